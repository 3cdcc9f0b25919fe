<?php

namespace MediaWiki\Extension\OpenStackManager\Api;

use ApiBase;
use ApiMain;
use MediaWiki\Extension\OpenStackManager\Envelope;
use MediaWiki\Extension\OpenStackManager\SidecarClient;

/** Every API action of this extension; what there is, and with which parameters, is said in contract.json. */
class ApiSidecar extends ApiBase {
	use SidecarModule;

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
