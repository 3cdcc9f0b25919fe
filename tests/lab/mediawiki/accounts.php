<?php
/**
 * Makes the wiki accounts of the lab's people, or sets them right: `accounts.php accounts.json`.
 * Passwords come by the file, so that they stand in no list of processes.
 */

require_once getenv( 'MW_INSTALL_PATH' ) . '/maintenance/Maintenance.php';

class LabAccounts extends Maintenance {
	public function __construct() {
		parent::__construct();
		$this->addArg( 'file', 'accounts.json of the lab' );
	}

	public function execute() {
		$services = MediaWiki\MediaWikiServices::getInstance();
		foreach ( json_decode( file_get_contents( $this->getArg( 0 ) ), true ) as $account ) {
			$user = $services->getUserFactory()->newFromName( $account['user'] );
			if ( !$user->isRegistered() ) {
				$user->addToDatabase();
			}
			if ( $account['role'] === 'cloudadmin' ) {
				$services->getUserGroupManager()->addUserToGroup( $user, 'cloudadmin', null, true );
			}
			$this->setPassword( $user, $account['password'] );
		}
	}

	/** Only when it is another: setting one ends the person's sessions. */
	private function setPassword( User $user, string $password ): void {
		$stored = $this->getDB( DB_PRIMARY )->selectField(
			'user', 'user_password', [ 'user_id' => $user->getId() ], __METHOD__
		);
		$factory = MediaWiki\MediaWikiServices::getInstance()->getPasswordFactory();
		if ( $stored !== '' && $factory->newFromCiphertext( $stored )->verify( $password ) ) {
			return;
		}
		$status = $user->changeAuthenticationData( [
			'username' => $user->getName(), 'password' => $password, 'retype' => $password,
		] );
		if ( !$status->isGood() ) {
			$this->fatalError( $status->getWikiText( false, false, 'en' ) );
		}
	}
}

$maintClass = LabAccounts::class;
require_once RUN_MAINTENANCE_IF_MAIN;
