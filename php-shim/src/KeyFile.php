<?php

namespace MediaWiki\Extension\OpenStackManager;

use RuntimeException;

/**
 * A file of keys, a line `keyid:hex` each. The first signs; all are accepted when verifying, so that a key
 * can be changed without a stop.
 */
final class KeyFile {
	/** A shorter key would be weaker than the hash. */
	private const MIN_BYTES = 32;

	/**
	 * @param string $path
	 * @return non-empty-array<string,string> Key by key id, in the file's order
	 */
	public static function read( string $path ): array {
		$text = is_readable( $path ) ? file_get_contents( $path ) : false;
		if ( $text === false ) {
			throw new RuntimeException( "The key file \"$path\" cannot be read by the web server's user." );
		}
		$keys = [];
		foreach ( preg_split( '/\R/', trim( $text ) ) as $number => $line ) {
			// The line itself is not shown: it may hold a key.
			if (
				!preg_match( '/^([A-Za-z0-9._-]{1,64}):((?:[0-9a-fA-F]{2})+)$/D', trim( $line ), $found ) ||
				strlen( $found[2] ) < 2 * self::MIN_BYTES ||
				isset( $keys[$found[1]] )
			) {
				throw new RuntimeException( "The key file \"$path\" is not valid in line " . ( $number + 1 ) .
					': wanted is a new key id, a colon, and at least ' . self::MIN_BYTES . ' bytes in hexadecimal.' );
			}
			$keys[$found[1]] = hex2bin( $found[2] );
		}
		return $keys;
	}
}
