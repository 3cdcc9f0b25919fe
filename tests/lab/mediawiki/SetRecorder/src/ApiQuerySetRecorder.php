<?php

namespace OpenStackManager\SetRecorder;

use ApiQueryBase;
use MediaWiki\MediaWikiServices;
use ParserOptions;

/** `action=query&prop=setrecorder&titles=…`: the (property, value) pairs that the pages set. */
class ApiQuerySetRecorder extends ApiQueryBase {
	/** @inheritDoc */
	public function execute() {
		$services = MediaWikiServices::getInstance();
		foreach ( $this->getPageSet()->getGoodPages() as $id => $page ) {
			$record = $services->getPageStore()->getPageById( $id );
			// Parsed now: page properties in the database follow an edit only after a moment.
			$status = $services->getParserOutputAccess()->getParserOutput( $record, ParserOptions::newFromAnon() );
			if ( !$status->isOK() ) {
				$this->dieStatus( $status );
			}
			$pairs = json_decode( $status->getValue()->getPageProperty( Recorder::PROPERTY ) ?? '[]', true );
			$this->addPageSubItems( $id, array_map(
				static fn ( array $pair ) => [ 'property' => $pair[0], 'value' => $pair[1] ], $pairs
			), 'set' );
		}
	}
}
