<?php

namespace MediaWiki\Extension\OpenStackManager\Api;

use ApiQuery;
use ApiQueryBase;
use ExtensionRegistry;
use MediaWiki\Extension\OpenStackManager\WikiHooks;
use MediaWiki\User\UserFactory;

/** What the sidecar's `doctor` wants to know of this wiki. */
class ApiQueryInfo extends ApiQueryBase {
	public function __construct( ApiQuery $query, string $name, private readonly UserFactory $users ) {
		parent::__construct( $query, $name );
	}

	/** @inheritDoc */
	public function execute() {
		$system = $this->users->newFromName( $this->getConfig()->get( 'OpenStackManagerSystemUser' ) );
		$this->getResult()->addValue( 'query', $this->getModuleName(), [
			'version' => ExtensionRegistry::getInstance()->getAllThings()['OpenStackManager']['version'],
			'mediawiki' => MW_VERSION,
			'namespaces' => [ 'resource' => NS_NOVA_RESOURCE, 'talk' => NS_NOVA_RESOURCE_TALK ],
			'smw' => defined( 'SMW_VERSION' ),
			// 0 where it is yet to be made by maintenance/update.php.
			'systemuser' => [ 'id' => $system ? $system->getId() : 0, 'name' => $system ? $system->getName() : '' ],
			'tag' => WikiHooks::TAG,
		] );
	}

	/** @inheritDoc */
	public function getCacheMode( $params ) {
		return 'public';
	}
}
