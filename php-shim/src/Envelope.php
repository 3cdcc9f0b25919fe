<?php

namespace MediaWiki\Extension\OpenStackManager;

use IContextSource;
use MediaWiki\Permissions\PermissionManager;
use MediaWiki\User\UserGroupManager;
use ReadOnlyMode;
use User;
use UtfNormal\Validator;
use WebRequest;

/** What is sent to the sidecar: who asks, and for what. */
class Envelope {
	/** The rights that mean something to the sidecar: those that extension.json declares. */
	private const RIGHTS = [
		'listall', 'manageproject', 'loginviashell', 'managednsdomain', 'manageglobalpuppet', 'accessrestrictedregions',
	];

	/** Form fields that are between the browser and the wiki. */
	private const OWN_FIELDS = [ 'title', 'wpEditToken', 'wpFormIdentifier', 'idempotencykey' ];

	public function __construct(
		private readonly PermissionManager $permissions,
		private readonly UserGroupManager $groups,
		private readonly ReadOnlyMode $readOnly
	) {
	}

	/**
	 * For a special page.
	 *
	 * @param IContextSource $context
	 * @param bool $submitted Whether a form was sent whose token has been checked
	 */
	public function ofPage( IContextSource $context, bool $submitted ): array {
		$request = $context->getRequest();
		return $this->make(
			$context, $submitted,
			self::values( $request->getQueryValues() ),
			$submitted ? self::values( $request->getPostValues() ) : [],
			$submitted ? $request->getRawVal( 'idempotencykey' ) : null
		);
	}

	/**
	 * For an API module.
	 *
	 * @param IContextSource $context
	 * @param bool $writes Whether the module writes, so that the token has been checked
	 * @param array<string,string|string[]> $parameters
	 */
	public function ofApi( IContextSource $context, bool $writes, array $parameters ): array {
		$key = $parameters['idempotencykey'] ?? null;
		unset( $parameters['idempotencykey'] );
		return $this->make( $context, $writes, $parameters, [], $key );
	}

	private function make(
		IContextSource $context, bool $writes, array $query, array $form, ?string $idempotencyKey
	): array {
		return [
			'v' => 1,
			'request_id' => self::requestId(),
			'actor' => $this->actor( $context->getUser() ),
			'lang' => $context->getLanguage()->getCode(),
			'read_only' => $this->readOnly->getReason() ?: null,
			'method' => $writes ? 'POST' : 'GET',
			// Objects, so that they are {} when empty.
			'query' => (object)$query,
			'form' => (object)$form,
			'idempotency_key' => $idempotencyKey === '' ? null : $idempotencyKey,
		];
	}

	private function actor( User $user ): array {
		$block = $user->getBlock();
		return [
			'wiki_user_id' => $user->getId(),
			'name' => $user->isRegistered() ? $user->getName() : '',
			'groups' => $this->groups->getUserEffectiveGroups( $user ),
			'rights' => array_values( array_intersect( self::RIGHTS, $this->permissions->getUserPermissions( $user ) ) ),
			'block' => $block ? [
				'sitewide' => $block->isSitewide(),
				'reason' => $block->getReasonComment()->text,
				'expiry' => self::time( $block->getExpiry() ) ?? 'infinity',
			] : null,
			'registered' => self::time( $user->getRegistration() ),
			'email_confirmed' => $user->isEmailConfirmed(),
		];
	}

	private static function time( string|null|false $timestamp ): ?string {
		return $timestamp && !wfIsInfinity( $timestamp ) ? wfTimestamp( TS_ISO_8601, $timestamp ) : null;
	}

	/** Strings and lists of strings, normalised as MediaWiki does; what else someone may have sent is left out. */
	private static function values( array $raw ): array {
		$clean = static fn ( string $text ) => Validator::cleanUp( str_replace( "\r\n", "\n", $text ) );
		$values = [];
		foreach ( array_diff_key( $raw, array_flip( self::OWN_FIELDS ) ) as $name => $value ) {
			if ( is_string( $value ) ) {
				$values[$clean( (string)$name )] = $clean( $value );
			} elseif ( is_array( $value ) ) {
				$values[$clean( (string)$name )] = array_map( $clean, array_values( array_filter( $value, 'is_string' ) ) );
			}
		}
		return $values;
	}

	/** MediaWiki's own, which is also in its logs, in the letters that a header of ours may have. */
	public static function requestId(): string {
		$id = preg_replace( '/[^A-Za-z0-9-]/', '-', WebRequest::getRequestId() );
		return str_pad( substr( $id, 0, 64 ), 8, '0' );
	}
}
