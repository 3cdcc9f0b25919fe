<?php
/**
 * The signature of both directions: the vectors, and what must not pass. The vectors are also read by the
 * sidecar's test; they were checked by a third implementation when they were made.
 */

use MediaWiki\Extension\OpenStackManager\HttpSignature;
use MediaWiki\Extension\OpenStackManager\SignatureException;

$vectors = json_decode( file_get_contents( __DIR__ . '/../signing-vector.json' ), true );

/** The values of the covered components of a vector. */
$values = static fn ( array $vector ) => [
	'@method' => $vector['method'],
	'@authority' => $vector['authority'],
	'@path' => $vector['path'],
	'@query' => $vector['query'],
] + $vector['headers'];

/** Verifies a vector; the result is "accepted" or the reason why not. */
$verify = static function ( array $vector, array $changes = [] ) use ( $values ) {
	$changes += [
		'values' => [],
		'body' => $vector['body'],
		'input' => $vector['signature_input'],
		'signature' => $vector['signature'],
		'keys' => [ 'other' => str_repeat( 'k', 32 ), $vector['keyid'] => hex2bin( $vector['key_hex'] ) ],
		'tag' => $vector['tag'],
		'now' => $vector['created'],
	];
	try {
		$nonce = HttpSignature::verify(
			$changes['tag'], $changes['values'] + $values( $vector ), $changes['body'], $changes['input'],
			$changes['signature'], $changes['keys'], $changes['now']
		);
		return $nonce === $vector['nonce'] ? 'accepted' : 'wrong nonce';
	} catch ( SignatureException $e ) {
		return $e->getMessage();
	}
};

$cases = [];
foreach ( $vectors as $vector ) {
	$expect = static function ( string $name, string $expected, array $changes = [] ) use (
		&$cases, $vector, $verify
	) {
		$cases[] = [ "{$vector['tag']}: $name", static function () use ( $expected, $vector, $changes, $verify ) {
			$seen = $verify( $vector, $changes );
			return $seen === $expected ?: "$seen, expected $expected";
		} ];
	};

	$cases[] = [ "{$vector['tag']}: signs as in the vector", static fn () => HttpSignature::sign(
		$vector['tag'], $values( $vector ), $vector['keyid'], hex2bin( $vector['key_hex'] ),
		$vector['created'], $vector['nonce']
	) === [ 'Signature-Input' => $vector['signature_input'], 'Signature' => $vector['signature'] ] ];
	$cases[] = [ "{$vector['tag']}: covers the components of the vector",
		static fn () => HttpSignature::COMPONENTS[$vector['tag']] === $vector['components'] ];

	$expect( 'as it is', 'accepted' );
	$expect( 'at the end of the skew', 'accepted', [ 'now' => $vector['created'] + 30 ] );
	$expect( 'too late', SignatureException::SKEW, [ 'now' => $vector['created'] + 31 ] );
	$expect( 'too early', SignatureException::SKEW, [ 'now' => $vector['created'] - 31 ] );
	$expect( 'another body', SignatureException::BAD, [ 'body' => $vector['body'] . ' ' ] );
	$expect( 'another body with its digest', SignatureException::BAD, [
		'body' => 'x', 'values' => [ 'content-digest' => HttpSignature::digest( 'x' ) ],
	] );
	foreach ( $vector['components'] as $component ) {
		$expect( "another $component", SignatureException::BAD, [ 'values' => [ $component => 'other' ] ] );
	}
	$expect( 'key gone', SignatureException::UNKNOWN_KEY, [ 'keys' => [ 'other' => str_repeat( 'k', 32 ) ] ] );
	$expect( 'another key of that id', SignatureException::BAD,
		[ 'keys' => [ $vector['keyid'] => str_repeat( 'k', 32 ) ] ] );
	$expect( 'another signature', SignatureException::BAD,
		[ 'signature' => 'osm=:' . base64_encode( str_repeat( "\0", 32 ) ) . ':' ] );
	$expect( 'no signature', SignatureException::BAD, [ 'signature' => '' ] );

	$input = $vector['signature_input'];
	foreach ( [
		'no input' => '',
		'two labels' => "$input, $input",
		'a component less' => str_replace( ' "content-digest"', '', $input ),
		'no component' => preg_replace( '/\(.*\)/', '()', $input ),
		'another algorithm' => str_replace( 'hmac-sha256', 'none', $input ),
		'another order of parameters' => preg_replace( '/;(created=\d+);(nonce="\w+")/', ';$2;$1', $input ),
		'an expiry' => $input . ';expires=9999999999',
		'another tag' => preg_replace( '/tag="[^"]+"/', 'tag="x"', $input ),
		'a leading zero' => str_replace( 'created=', 'created=0', $input ),
		'a line feed' => "$input\n",
	] as $name => $changed ) {
		$expect( $name, SignatureException::MALFORMED, [ 'input' => $changed ] );
	}
	// A message that is sent back to where it came from.
	$other = $vector['tag'] === HttpSignature::TO_WIKI ? HttpSignature::TO_SIDECAR : HttpSignature::TO_WIKI;
	$expect( 'reflected', SignatureException::MALFORMED,
		[ 'tag' => $other, 'values' => [ 'osm-user' => 'system', 'osm-parent' => '-' ] ] );
	$expect( 'created changed', SignatureException::BAD, [
		'input' => str_replace( (string)$vector['created'], (string)( $vector['created'] + 1 ), $input ),
	] );
	$expect( 'nonce changed', SignatureException::BAD, [
		'input' => str_replace( $vector['nonce'], strrev( $vector['nonce'] ), $input ),
	] );
}
return $cases;
