<?php

namespace MediaWiki\Extension\OpenStackManager;

use DeferredUpdates;
use RequestContext;

/**
 * Tells the sidecar at once that somebody was blocked, or is not any more. It reads in the wiki who that is; where
 * it is not reached it sees the same in the block log, seconds later. The interfaces of these hooks have other names
 * in other versions of MediaWiki, which calls the methods all the same.
 */
class BlockHooks {
	/** In seconds: nobody waits for it, but a process of the wiki's does. */
	private const PATIENCE = 3;

	public function __construct(
		private readonly SidecarClient $sidecar,
		private readonly Envelope $envelope
	) {
	}

	/**
	 * @param \MediaWiki\Block\DatabaseBlock $block
	 * @param \User $user Who blocked
	 * @param \MediaWiki\Block\DatabaseBlock|null $priorBlock
	 */
	public function onBlockIpComplete( $block, $user, $priorBlock ): void {
		$this->ring();
	}

	/**
	 * @param \MediaWiki\Block\DatabaseBlock $block
	 * @param \User $user Who unblocked
	 */
	public function onUnblockUserComplete( $block, $user ): void {
		$this->ring();
	}

	/** Once the block is committed and the person who made it has their answer. */
	private function ring(): void {
		DeferredUpdates::addCallableUpdate( function () {
			try {
				$envelope = $this->envelope->ofApi( RequestContext::getMain(), true, [] );
				$this->sidecar->call( '/v1/api/novablocks', $envelope, self::PATIENCE );
			} catch ( SidecarUnavailable $e ) {
				// It is in the log already.
			}
		}, DeferredUpdates::POSTSEND );
	}
}
