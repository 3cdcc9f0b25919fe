<?php

namespace MediaWiki\Extension\OpenStackManager\Session;

/** How a request that claims to be the sidecar's is refused. */
final class Refusal {
	public function __construct(
		public readonly int $status,
		public readonly string $code,
		public readonly string $message
	) {
	}
}
