<?php

namespace MediaWiki\Extension\OpenStackManager\Api;

use ApiBase;
use ApiMain;
use MediaWiki\Extension\OpenStackManager\Envelope;
use MediaWiki\Extension\OpenStackManager\SidecarClient;

/** Every API action of this extension; what there is, and with which parameters, is said in contract.json. */
class ApiSidecar extends ApiBase {
	use SidecarModule;

	/** A right of everybody who has projects, which the grant `openstackmanager` covers and no other does. */
	private const GRANTED = 'loginviashell';

	private readonly array $contract;

	public function __construct(
		ApiMain $main,
		string $name,
		private readonly SidecarClient $sidecar,
		private readonly Envelope $envelope
	) {
		parent::__construct( $main, $name );
		$this->contract = Contract::module( 'actions', $name );
	}

	/** @inheritDoc */
	public function execute() {
		$this->requirePostedParameters( Contract::sensitive( $this->contract ) );
		if ( $this->isWriteMode() ) {
			// What a person may is for the sidecar to say. This is whether they let the bot password or the
			// application that speaks for them do so: it has the right only by the grant of this extension.
			$this->checkUserRightsAny( self::GRANTED );
		}
		$reply = $this->ask( $this->isWriteMode() );
		$this->getResult()->addValue( null, $this->getModuleName(), $this->readable( $reply['result'] ) );
	}

	/** @inheritDoc */
	public function isWriteMode() {
		return $this->contract['writes'];
	}

	/** @inheritDoc */
	public function mustBePosted() {
		return $this->isWriteMode();
	}

	/** @inheritDoc */
	public function needsToken() {
		return $this->isWriteMode() ? 'csrf' : false;
	}

	/** @inheritDoc */
	public function getAllowedParams() {
		return Contract::parameters( $this->contract );
	}
}
