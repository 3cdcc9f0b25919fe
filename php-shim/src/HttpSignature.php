<?php

namespace MediaWiki\Extension\OpenStackManager;

/**
 * HTTP Message Signatures (RFC 9421) with digests (RFC 9530), in one fixed profile for both directions.
 *
 * Nothing is negotiable: the verifier rebuilds the text that it expects, and compares. Pure: no clock, no
 * randomness, no I/O, and nothing of MediaWiki, so that it can be tried with plain PHP.
 */
final class HttpSignature {
	/** From this wiki to the sidecar. */
	public const TO_SIDECAR = 'osm-shim';
	/** From the sidecar to this wiki. */
	public const TO_WIKI = 'osm-sidecar';

	/** Seconds by which the two clocks may differ. */
	public const SKEW = 30;

	/** Covered components, in this order. A message of one direction can never pass as one of the other. */
	public const COMPONENTS = [
		self::TO_SIDECAR => [
			'@method', '@authority', '@path', '@query', 'content-type', 'content-digest', 'osm-request-id',
		],
		self::TO_WIKI => [
			'@method', '@authority', '@path', '@query', 'content-type', 'content-digest', 'osm-request-id',
			'osm-user', 'osm-parent',
		],
	];

	/** The value of Content-Digest for a body. */
	public static function digest( string $body ): string {
		return 'sha-256=:' . base64_encode( hash( 'sha256', $body, true ) ) . ':';
	}

	/**
	 * @param string $tag One of the two directions
	 * @param array<string,string> $values What each component is in this message
	 * @param string $keyId
	 * @param string $key
	 * @param int $created Unix time
	 * @param string $nonce 32 lower-case hexadecimal digits
	 * @return array{Signature-Input:string,Signature:string} The two headers
	 */
	public static function sign(
		string $tag, array $values, string $keyId, string $key, int $created, string $nonce
	): array {
		$parameters = self::parameters( $tag, $created, $nonce, $keyId );
		$mac = hash_hmac( 'sha256', self::base( $tag, $values, $parameters ), $key, true );
		return [
			'Signature-Input' => 'osm=' . $parameters,
			'Signature' => 'osm=:' . base64_encode( $mac ) . ':',
		];
	}

	/**
	 * @param string $tag The direction that this message must have
	 * @param array<string,string> $values What each component is in this message
	 * @param string $body
	 * @param string $signatureInput
	 * @param string $signature
	 * @param array<string,string> $keys Key by key id; all of them are accepted
	 * @param int $now Unix time
	 * @return string The nonce; that it was never seen before is the caller's to check
	 * @throws SignatureException
	 */
	public static function verify(
		string $tag, array $values, string $body, string $signatureInput, string $signature, array $keys, int $now
	): string {
		$shape = '/^osm=\([^()]*\);created=(\d{1,11});nonce="([0-9a-f]{32})";keyid="([A-Za-z0-9._-]{1,64})";/D';
		if ( !preg_match( $shape, $signatureInput, $found ) ) {
			throw new SignatureException( SignatureException::MALFORMED );
		}
		[ , $created, $nonce, $keyId ] = $found;
		if ( !isset( $keys[$keyId] ) ) {
			throw new SignatureException( SignatureException::UNKNOWN_KEY );
		}
		$expected = self::sign( $tag, $values, $keyId, $keys[$keyId], (int)$created, $nonce );
		if ( !hash_equals( $expected['Signature-Input'], $signatureInput ) ) {
			throw new SignatureException( SignatureException::MALFORMED );
		}
		if (
			!hash_equals( self::digest( $body ), $values['content-digest'] ) ||
			!hash_equals( $expected['Signature'], $signature )
		) {
			throw new SignatureException( SignatureException::BAD );
		}
		if ( abs( $now - (int)$created ) > self::SKEW ) {
			throw new SignatureException( SignatureException::SKEW );
		}
		return $nonce;
	}

	private static function parameters( string $tag, int $created, string $nonce, string $keyId ): string {
		$components = '"' . implode( '" "', self::COMPONENTS[$tag] ) . '"';
		return "($components);created=$created;nonce=\"$nonce\";keyid=\"$keyId\";alg=\"hmac-sha256\";tag=\"$tag\"";
	}

	private static function base( string $tag, array $values, string $parameters ): string {
		$lines = '';
		foreach ( self::COMPONENTS[$tag] as $component ) {
			$lines .= "\"$component\": " . trim( $values[$component] ) . "\n";
		}
		return $lines . "\"@signature-params\": $parameters";
	}
}
