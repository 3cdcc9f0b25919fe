<?php

namespace MediaWiki\Extension\OpenStackManager;

use MediaWiki\Installer\Hook\LoadExtensionSchemaUpdatesHook;
use MediaWiki\MediaWikiServices;
use User;

/** What maintenance/update.php does for this extension, which has no tables of its own. */
class SchemaHooks implements LoadExtensionSchemaUpdatesHook {
	/** @inheritDoc */
	public function onLoadExtensionSchemaUpdates( $updater ) {
		$updater->addExtensionUpdate( [ [ self::class, 'makeSystemUser' ] ] );
	}

	/** @param \DatabaseUpdater $updater */
	public static function makeSystemUser( $updater ): void {
		$name = MediaWikiServices::getInstance()->getMainConfig()->get( 'OpenStackManagerSystemUser' );
		// The account of a person who has that name is not taken away.
		if ( User::newSystemUser( $name ) ) {
			$updater->output( "...system user \"$name\" is there.\n" );
		} else {
			$updater->output( "...\"$name\" is somebody's account: set \$wgOpenStackManagerSystemUser to another name.\n" );
		}
	}
}
