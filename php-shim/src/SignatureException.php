<?php

namespace MediaWiki\Extension\OpenStackManager;

use RuntimeException;

/**
 * Why a signed request was not accepted. The reason is for the log: whoever sent the request is told only
 * that it was refused.
 */
class SignatureException extends RuntimeException {
	public const MALFORMED = 'malformed signature';
	public const UNKNOWN_KEY = 'unknown key';
	public const BAD = 'bad signature';
	public const SKEW = 'clock skew';
	public const REPLAY = 'replay';
}
