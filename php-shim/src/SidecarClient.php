<?php

namespace MediaWiki\Extension\OpenStackManager;

use MediaWiki\Config\ServiceOptions;
use MediaWiki\Http\HttpRequestFactory;
use Psr\Log\LoggerInterface;
use RuntimeException;

/** Sends signed requests to the sidecar. */
class SidecarClient {
	public const CONSTRUCTOR_OPTIONS = [ 'OpenStackManagerSidecarUrl', 'OpenStackManagerShimKeysFile' ];

	private const CONTENT_TYPE = 'application/json';
	private const CONNECT_TIMEOUT = 2;
	private const TIMEOUT = 20;

	public function __construct(
		private readonly ServiceOptions $options,
		private readonly HttpRequestFactory $http,
		private readonly LoggerInterface $logger
	) {
		$options->assertRequiredOptions( self::CONSTRUCTOR_OPTIONS );
	}

	/**
	 * @param string $path
	 * @param array $envelope
	 * @param int $timeout In seconds
	 * @return array The sidecar's answer
	 * @throws SidecarUnavailable
	 */
	public function call( string $path, array $envelope, int $timeout = self::TIMEOUT ): array {
		$requestId = $envelope['request_id'];
		$base = rtrim( $this->options->get( 'OpenStackManagerSidecarUrl' ), '/' );
		$body = json_encode( $envelope, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_INVALID_UTF8_SUBSTITUTE );
		try {
			$headers = $this->sign( $base, $path, $body, $requestId );
		} catch ( RuntimeException $e ) {
			throw $this->failure( $path, $requestId, $e->getMessage() );
		}
		$request = $this->http->create( $base . $path, [
			'method' => 'POST',
			'postData' => $body,
			'connectTimeout' => self::CONNECT_TIMEOUT,
			'timeout' => $timeout,
			'followRedirects' => false,
			// The sidecar is a neighbour: a proxy meant for the world must not see what is sent to it.
			'noProxy' => true,
		], __METHOD__ );
		foreach ( $headers as $name => $value ) {
			$request->setHeader( $name, $value );
		}
		$status = $request->execute();
		$answer = json_decode( (string)$request->getContent(), true );
		if ( $request->getStatus() !== 200 || !is_array( $answer ) ) {
			throw $this->failure( $path, $requestId, 'HTTP ' . $request->getStatus() . ', ' .
				( $answer['error']['code'] ?? $status->getWikiText( false, false, 'en' ) ), $request->getStatus() === 413 );
		}
		return $answer;
	}

	private function sign( string $base, string $path, string $body, string $requestId ): array {
		$keys = KeyFile::read( $this->options->get( 'OpenStackManagerShimKeysFile' ) );
		$keyId = array_key_first( $keys );
		$covered = [
			'content-type' => self::CONTENT_TYPE,
			'content-digest' => HttpSignature::digest( $body ),
			'osm-request-id' => $requestId,
		];
		$values = [
			'@method' => 'POST',
			'@authority' => self::authority( $base ),
			'@path' => $path,
			'@query' => '?',
		] + $covered;
		return [
			// In this very case: MediaWiki sets a type of its own unless it finds this key.
			'Content-Type' => $covered['content-type'],
			'Content-Digest' => $covered['content-digest'],
			'OSM-Request-Id' => $covered['osm-request-id'],
		] + HttpSignature::sign(
			HttpSignature::TO_SIDECAR, $values, (string)$keyId, $keys[$keyId], time(), bin2hex( random_bytes( 16 ) )
		);
	}

	/** As it stands in the header Host of the request. */
	private static function authority( string $url ): string {
		$parts = parse_url( $url );
		if ( !isset( $parts['host'] ) || isset( $parts['path'] ) ) {
			throw new RuntimeException( "\$wgOpenStackManagerSidecarUrl is \"$url\": wanted is http://host:port" );
		}
		$default = $parts['scheme'] === 'https' ? 443 : 80;
		$port = $parts['port'] ?? $default;
		return strtolower( $parts['host'] ) . ( $port === $default ? '' : ":$port" );
	}

	private function failure(
		string $path, string $requestId, string $reason, bool $tooLarge = false
	): SidecarUnavailable {
		$this->logger->error( 'The sidecar could not be asked for {path}: {reason} (request {requestId})', [
			'path' => $path,
			'reason' => $reason,
			'requestId' => $requestId,
		] );
		return new SidecarUnavailable( $requestId, $tooLarge );
	}
}
