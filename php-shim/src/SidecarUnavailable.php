<?php

namespace MediaWiki\Extension\OpenStackManager;

use RuntimeException;

/** The sidecar gave no usable answer. Why is in the log, under the request id; the person sees the id only. */
class SidecarUnavailable extends RuntimeException {
	public function __construct( public readonly string $requestId, private readonly bool $tooLarge = false ) {
		parent::__construct( "The sidecar is not available (request $requestId)" );
	}

	/** What the person reads; its parameter is the request id. Who sent too much must not be told to try again. */
	public function key(): string {
		return $this->tooLarge ? 'openstackmanager-toolarge' : 'openstackmanager-unavailable';
	}

	public function status(): int {
		return $this->tooLarge ? 413 : 503;
	}
}
