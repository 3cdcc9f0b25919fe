<?php

namespace MediaWiki\Extension\OpenStackManager\Session;

use ApiMessage;
use ApiUsageException;
use Config;
use MediaWiki\Api\Hook\ApiCheckCanExecuteHook;
use MediaWiki\Extension\OpenStackManager\WikiHooks;
use MediaWiki\Hook\RecentChange_saveHook;
use MediaWiki\Hook\WebResponseSetCookieHook;
use MediaWiki\Permissions\Hook\GetUserPermissionsErrorsHook;
use MediaWiki\Permissions\Hook\UserGetRightsHook;
use MediaWiki\Session\SessionManager;
use MediaWiki\Storage\Hook\MultiContentSaveHook;
use TitleFactory;

/**
 * What the sidecar's sessions are limited to, and the tag that their edits carry. All of this leaves every
 * other request alone.
 */
class SessionHooks implements
	ApiCheckCanExecuteHook,
	GetUserPermissionsErrorsHook,
	MultiContentSaveHook,
	RecentChange_saveHook,
	UserGetRightsHook,
	WebResponseSetCookieHook
{
	private const MODULES = [ 'query', 'edit' ];
	private const SYSTEM_MODULES = [ 'query', 'edit', 'purge' ];

	/** Template, Category, Property, smw/schema, Module: where `wiki push` puts its pages. */
	private const SYSTEM_NAMESPACES = [ NS_TEMPLATE, NS_CATEGORY, 102, 112, 828 ];

	public function __construct(
		private readonly Config $config,
		private readonly TitleFactory $titles
	) {
	}

	/**
	 * The last gate before api.php does anything.
	 *
	 * @param \ApiMain &$main
	 */
	public function onApiBeforeMain( &$main ) {
		if ( !SidecarSessionProvider::isClaimed() ) {
			return;
		}
		$provider = SidecarSessionProvider::current();
		if ( $provider && $provider->getUser() ) {
			$this->keepToken( $provider->getUser()->getId() );
			return;
		}
		$refusal = $provider ? $provider->getRefusal() : null;
		$refusal ??= new Refusal( 401, 'osm-badsignature', 'openstackmanager-error-signature' );
		throw ApiUsageException::newWithMessage( null, $refusal->message, $refusal->code, null, $refusal->status );
	}

	/** @inheritDoc */
	public function onApiCheckCanExecute( $module, $user, &$message ) {
		$provider = SidecarSessionProvider::current();
		if ( !$provider ) {
			return true;
		}
		$name = $module->getModuleName();
		if ( in_array( $name, $provider->isSystem() ? self::SYSTEM_MODULES : self::MODULES, true ) ) {
			return true;
		}
		$message = ApiMessage::create( [ 'openstackmanager-error-module', wfEscapeWikiText( $name ) ], 'osm-module' );
		return false;
	}

	/** @inheritDoc */
	public function onGetUserPermissionsErrors( $title, $user, $action, &$result ) {
		$provider = SidecarSessionProvider::current();
		if ( !$provider || $action === 'read' || $this->isInReach( $title, $provider->isSystem() ) ) {
			return true;
		}
		$result = ApiMessage::create(
			[ 'openstackmanager-error-namespace', wfEscapeWikiText( $title->getPrefixedText() ) ], 'osm-namespace'
		);
		return false;
	}

	/**
	 * MediaWiki sees no conflict of a person with himself, and takes the sidecar for that person: so the
	 * page must stand as the sidecar had read it. MediaWiki itself compares the parent once more when it
	 * writes, so nothing can come in between.
	 *
	 * @inheritDoc
	 */
	public function onMultiContentSave( $renderedRevision, $user, $summary, $flags, $status ) {
		$provider = SidecarSessionProvider::current();
		if ( !$provider || $user->getId() !== $provider->getUser()?->getId() ) {
			return true;
		}
		// For unchanged text this is the current revision itself; a new page's has no parent yet, not even 0.
		$revision = $renderedRevision->getRevision();
		if ( ( $revision->getId() ?? $revision->getParentId() ?? 0 ) === $provider->getParent() ) {
			return true;
		}
		$status->fatal( 'edit-conflict' );
		return false;
	}

	/** @inheritDoc */
	public function onRecentChange_save( $recentChange ) {
		$user = SidecarSessionProvider::current()?->getUser();
		$isEdit = in_array( (int)$recentChange->getAttribute( 'rc_type' ), [ RC_EDIT, RC_NEW ], true );
		if ( $user && $isEdit && $recentChange->getPerformerIdentity()->equals( $user ) ) {
			$recentChange->addTags( WikiHooks::TAG );
		}
	}

	/** @inheritDoc */
	public function onUserGetRights( $user, &$rights ) {
		$provider = SidecarSessionProvider::current();
		if ( $provider && $provider->getUser()?->equals( $user ) ) {
			$rights = array_merge( $rights, $provider->isSystem()
				? SidecarSessionProvider::SYSTEM_RIGHTS
				: SidecarSessionProvider::GIVEN_RIGHTS );
		}
	}

	/**
	 * MediaWiki has cookies for more than sessions; the sidecar keeps none.
	 *
	 * @inheritDoc
	 */
	public function onWebResponseSetCookie( &$name, &$value, &$expire, &$options ) {
		return !SidecarSessionProvider::isClaimed();
	}

	/**
	 * The same CSRF token for all requests for a user. A session of the system user cannot be stored, since
	 * MediaWiki ties it to the user's token, which is random for such a user; and two first requests at once
	 * would make two. The signature is what protects these requests; the token is there for action=edit.
	 */
	private function keepToken( int $userId ): void {
		$secret = hash_hmac( 'sha256', "openstackmanager-token:$userId", $this->config->get( 'SecretKey' ) );
		SessionManager::getGlobalSession()->set( 'wsTokenSecrets', [ 'default' => $secret ] );
	}

	private function isInReach( $title, bool $isSystem ): bool {
		if ( $title->inNamespaces( NS_NOVA_RESOURCE, NS_NOVA_RESOURCE_TALK ) ) {
			return true;
		}
		if ( $isSystem && $title->inNamespaces( self::SYSTEM_NAMESPACES ) ) {
			return true;
		}
		foreach ( $this->config->get( 'OpenStackManagerExtraPages' ) as $page ) {
			if ( $this->titles->newFromText( $page )?->equals( $title ) ) {
				return true;
			}
		}
		return false;
	}
}
