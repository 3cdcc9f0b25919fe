<?php

namespace MediaWiki\Extension\OpenStackManager\Special;

use MediaWiki\Extension\OpenStackManager\SidecarUnavailable;

/** Special:NovaLog is also a feed, which whoever may read the wiki may read. */
class LogSpecialPage extends SidecarSpecialPage {
	/** What the page and its feed are searched by. */
	private const BY = [ 'project', 'nick', 'text', 'from', 'until' ];

	/** How long, in seconds, a feed reader need not ask again. */
	private const FRESH = 60;

	/** @inheritDoc */
	public function execute( $subPage ) {
		$asked = [];
		foreach ( self::BY as $name ) {
			$asked[$name] = $this->getRequest()->getVal( $name, '' );
		}
		$asked = array_filter( $asked, 'strlen' );
		if ( $this->getRequest()->getRawVal( 'feed' ) !== null ) {
			$this->feed( $asked );
			return;
		}
		$this->getOutput()->addFeedLink( 'atom', $this->getPageTitle()->getLocalURL( [ 'feed' => 'atom' ] + $asked ) );
		parent::execute( $subPage );
	}

	private function feed( array $asked ): void {
		$this->getOutput()->disable();
		$response = $this->getRequest()->response();
		$response->header( 'X-Content-Type-Options: nosniff' );
		try {
			$reply = $this->sidecar->call( '/v1/api/novalogfeed', $this->envelope->ofApi( $this->getContext(), false, $asked ) );
			$atom = $reply['result']['atom'] ?? null;
			$status = 400;
		} catch ( SidecarUnavailable $e ) {
			$atom = null;
			$status = $e->status();
		}
		if ( !is_string( $atom ) ) {
			$response->statusHeader( $status );
			$response->header( 'Content-Type: text/plain; charset=utf-8' );
			echo "There is no such feed, or not at the moment.\n";
			return;
		}
		$tag = '"' . hash( 'sha256', $atom ) . '"';
		$response->header( "ETag: $tag" );
		// What is there to be read may hang on who asks.
		$response->header( 'Cache-Control: private, max-age=' . self::FRESH );
		if ( $this->getRequest()->getHeader( 'If-None-Match' ) === $tag ) {
			$response->statusHeader( 304 );
			return;
		}
		$response->header( 'Content-Type: application/atom+xml; charset=utf-8' );
		echo $atom;
	}
}
