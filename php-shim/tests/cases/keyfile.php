<?php
/** Key files: what is read, and that a bad one is refused without showing what stands in it. */

use MediaWiki\Extension\OpenStackManager\KeyFile;

$hex = str_repeat( 'ab', 32 );
$read = static function ( string $text ) {
	$path = tempnam( sys_get_temp_dir(), 'osm' );
	file_put_contents( $path, $text );
	try {
		return KeyFile::read( $path );
	} catch ( RuntimeException $e ) {
		return $e->getMessage();
	} finally {
		unlink( $path );
	}
};
$cases = [
	[ 'one key', static fn () => $read( "a:$hex\n" ) === [ 'a' => hex2bin( $hex ) ] ],
	[ 'two keys, the first first', static fn () => array_keys( $read( "new:$hex\nold:$hex" ) ) === [ 'new', 'old' ] ],
	[ 'no file', static function () {
		try {
			KeyFile::read( '/nowhere' );
		} catch ( RuntimeException $e ) {
			return str_contains( $e->getMessage(), '"/nowhere"' );
		}
	} ],
];
foreach ( [
	'empty' => '',
	'short key' => 'a:' . substr( $hex, 2 ),
	'no hexadecimal' => 'a:' . substr( $hex, 2 ) . 'xy',
	'half a byte' => "a:{$hex}0",
	'no id' => ":$hex",
	'the same id twice' => "a:$hex\na:$hex",
] as $name => $text ) {
	$cases[] = [ $name, static function () use ( $read, $text, $hex ) {
		$message = $read( $text );
		return is_string( $message ) && str_contains( $message, 'not valid in line' )
			&& !str_contains( $message, substr( $hex, 2 ) );
	} ];
}
return $cases;
