<?php

use MediaWiki\Config\ServiceOptions;
use MediaWiki\Extension\OpenStackManager\Envelope;
use MediaWiki\Extension\OpenStackManager\SidecarClient;
use MediaWiki\Logger\LoggerFactory;
use MediaWiki\MediaWikiServices;

return [
	'OpenStackManager.SidecarClient' => static fn ( MediaWikiServices $services ) => new SidecarClient(
		new ServiceOptions( SidecarClient::CONSTRUCTOR_OPTIONS, $services->getMainConfig() ),
		$services->getHttpRequestFactory(),
		LoggerFactory::getInstance( 'OpenStackManager' )
	),

	'OpenStackManager.Envelope' => static fn ( MediaWikiServices $services ) => new Envelope(
		$services->getPermissionManager(),
		$services->getUserGroupManager(),
		$services->getReadOnlyMode()
	),
];
