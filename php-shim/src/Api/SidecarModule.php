<?php

namespace MediaWiki\Extension\OpenStackManager\Api;

use ApiMessage;
use ApiResult;
use MediaWiki\Extension\OpenStackManager\SidecarUnavailable;
use MediaWiki\Extension\OpenStackManager\ValueRenderer;
use MediaWiki\MediaWikiServices;
use Message;

/** What the modules for actions and for lists have in common: asking the sidecar, and saying what went wrong. */
trait SidecarModule {
	/**
	 * @param bool $writes
	 * @return array The sidecar's answer, which has no error
	 */
	private function ask( bool $writes ): array {
		// Only what the contract names: the token stays here.
		$params = array_intersect_key( $this->extractRequestParams(), $this->contract['params'] );
		$envelope = $this->envelope->ofApi( $this->getContext(), $writes, Contract::forEnvelope( $params ) );
		try {
			$reply = $this->sidecar->call( '/v1/api/' . $this->getModuleName(), $envelope );
		} catch ( SidecarUnavailable $e ) {
			$this->dieWithError(
				[ $e->key(), wfEscapeWikiText( $e->requestId ) ],
				// An error of the caller's is a reply as any other; clients see no further than a status of 4xx.
				$e->key(), [ 'requestid' => $e->requestId ], $e->status() === 503 ? 503 : 0
			);
		}
		if ( isset( $reply['error'] ) ) {
			[ 'code' => $code, 'message' => $message ] = $reply['error'];
			$this->dieWithError(
				ApiMessage::create( $this->message( $message ), $code, $reply['error']['data'] ?? [] )
			);
		}
		return $reply;
	}

	/** Messages inside of a result get their text beside their key; lists get names for XML. */
	private function readable( array $data ): array {
		if ( is_string( $data['key'] ?? null ) && is_array( $data['params'] ?? null ) ) {
			return [ 'key' => $data['key'], 'text' => $this->message( $data )->text() ];
		}
		if ( array_is_list( $data ) ) {
			ApiResult::setIndexedTagName( $data, 'item' );
		}
		foreach ( $data as $key => $value ) {
			if ( is_array( $value ) ) {
				$data[$key] = $this->readable( $value );
			}
		}
		return $data;
	}

	private function message( array $message ): Message {
		$values = new ValueRenderer( $this->getContext(), MediaWikiServices::getInstance()->getLinkRenderer() );
		return $values->message( $message, false );
	}
}
