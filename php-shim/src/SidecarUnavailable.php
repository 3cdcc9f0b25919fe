<?php

namespace MediaWiki\Extension\OpenStackManager;

use RuntimeException;

/** The sidecar gave no usable answer. Why is in the log, under the request id; the person sees the id only. */
class SidecarUnavailable extends RuntimeException {
	public function __construct( public readonly string $requestId ) {
		parent::__construct( "The sidecar is not available (request $requestId)" );
	}
}
