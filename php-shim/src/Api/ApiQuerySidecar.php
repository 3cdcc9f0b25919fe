<?php

namespace MediaWiki\Extension\OpenStackManager\Api;

use ApiQuery;
use ApiQueryBase;
use MediaWiki\Extension\OpenStackManager\Envelope;
use MediaWiki\Extension\OpenStackManager\SidecarClient;

/** Every list of this extension in action=query; what there is, and with which parameters, is said in contract.json. */
class ApiQuerySidecar extends ApiQueryBase {
	use SidecarModule;

	private readonly array $contract;

	public function __construct(
		ApiQuery $query,
		string $name,
		private readonly SidecarClient $sidecar,
		private readonly Envelope $envelope
	) {
		$this->contract = Contract::module( 'lists', $name );
		parent::__construct( $query, $name, $this->contract['prefix'] );
	}

	/** @inheritDoc */
	public function execute() {
		$reply = $this->ask( false );
		$this->getResult()->addValue( 'query', $this->getModuleName(), $this->readable( $reply['result'] ) );
		// The parameter's name is sent with or without the prefix of the list, which MediaWiki puts before it.
		foreach ( $reply['continue'] ?? [] as $parameter => $value ) {
			$this->setContinueEnumParameter( preg_replace( "/^{$this->contract['prefix']}(?=continue$)/D", '', $parameter ), $value );
		}
	}

	/** @inheritDoc */
	public function getAllowedParams() {
		return Contract::parameters( $this->contract );
	}
}
