<?php
/** That what is declared in one place is there in the others. */

$root = __DIR__ . '/../..';
$json = static fn ( string $file ) => json_decode( file_get_contents( "$root/$file" ), true, 512, JSON_THROW_ON_ERROR );
$extension = $json( 'extension.json' );
$contract = $json( 'contract.json' );
$en = $json( 'i18n/en.json' );
$qqq = $json( 'i18n/qqq.json' );
$specialPageAliases = [];
require "$root/i18n/OpenStackManager.alias.php";

/** True when nothing is missing, else what. */
$none = static fn ( array $missing ) => $missing ? implode( ', ', $missing ) : true;
$same = static fn ( array $a, array $b ) => $none( array_merge( array_diff( $a, $b ), array_diff( $b, $a ) ) );

$wanted = [];
foreach ( $extension['AvailableRights'] as $right ) {
	array_push( $wanted, "right-$right", "action-$right" );
}
foreach ( array_keys( $extension['SpecialPages'] ) as $page ) {
	$wanted[] = strtolower( $page );
}
foreach ( [ 'actions' => '', 'lists' => 'query+' ] as $kind => $path ) {
	foreach ( $contract[$kind] as $name => $module ) {
		$wanted[] = "apihelp-$path$name-summary";
		foreach ( array_keys( $module['params'] ) as $param ) {
			$wanted[] = "apihelp-$path$name-param-$param";
		}
	}
}

/** The file of a class of this extension. */
$file = static fn ( string $class ) => $root . '/src/' . strtr(
	substr( $class, strlen( 'MediaWiki\\Extension\\OpenStackManager\\' ) ), '\\', '/'
) . '.php';
$classes = [];
foreach ( [ 'SpecialPages', 'APIModules', 'APIListModules', 'APIMetaModules', 'SessionProviders', 'HookHandlers' ] as $kind ) {
	array_push( $classes, ...array_column( array_values( $extension[$kind] ), 'class' ) );
}

return [
	[ 'each message has its documentation, and the other way round',
		static fn () => $same( array_keys( $en ), array_keys( $qqq ) ) ],
	[ 'no message is empty', static fn () => $none( array_keys( array_filter( $en + $qqq, static fn ( $text ) => $text === '' ) ) ) ],
	[ 'all parameters of a message are documented', static fn () => $none( array_keys( array_filter(
		array_diff_key( $en, [ '@metadata' => 0 ] ),
		static function ( string $text, string $key ) use ( $qqq ) {
			preg_match_all( '/\$\d/', $text, $used );
			return (bool)array_filter( $used[0], static fn ( $param ) => !str_contains( $qqq[$key], $param ) );
		},
		ARRAY_FILTER_USE_BOTH
	) ) ) ],
	[ 'what the wiki itself shows of this extension has its messages', static fn () => $none( array_diff( $wanted, array_keys( $en ) ) ) ],
	[ 'all that the sidecar can say has its message', static fn () => $none( array_diff( $contract['messages'], array_keys( $en ) ) ) ],
	[ 'special pages', static fn () => $same( $contract['special_pages'], array_keys( $extension['SpecialPages'] ) ) ],
	[ 'special pages are given their own name', static fn () => $none( array_keys( array_filter(
		$extension['SpecialPages'], static fn ( $spec, $name ) => $spec['args'] !== [ $name ], ARRAY_FILTER_USE_BOTH
	) ) ) ],
	[ 'names of special pages', static fn () => $same( $contract['special_pages'], array_keys( $specialPageAliases['en'] ) ) ],
	[ 'API actions', static fn () => $same( array_keys( $contract['actions'] ), array_keys( $extension['APIModules'] ) ) ],
	[ 'API lists', static fn () => $same( array_keys( $contract['lists'] ), array_keys( $extension['APIListModules'] ) ) ],
	[ 'rights', static fn () => $same( $contract['rights'], $extension['AvailableRights'] ) ],
	[ 'classes', static fn () => $none( array_filter( $classes, static fn ( $class ) => !is_file( $file( $class ) ) ) ) ],
];
