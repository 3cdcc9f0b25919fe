<?php

namespace MediaWiki\Extension\OpenStackManager\Session;

use BagOStuff;
use FauxRequest;
use MediaWiki\Extension\OpenStackManager\HttpSignature;
use MediaWiki\Extension\OpenStackManager\KeyFile;
use MediaWiki\Extension\OpenStackManager\SignatureException;
use MediaWiki\Logger\LoggerFactory;
use MediaWiki\Session\SessionBackend;
use MediaWiki\Session\SessionInfo;
use MediaWiki\Session\SessionManager;
use MediaWiki\Session\SessionProvider;
use MediaWiki\Session\UserInfo;
use MediaWiki\User\UserFactory;
use ReadOnlyMode;
use RuntimeException;
use User;
use WebRequest;

/**
 * Lets the sidecar act in api.php as a wiki user whom it names, by a signature instead of a cookie.
 *
 * What such a session may do is cut down here (rights) and in SessionHooks (modules, namespaces, parent
 * revision). A request that claims to be signed and is not rightly so gets an anonymous session without any
 * right, and is then refused by SessionHooks: it never becomes the session of a cookie.
 */
class SidecarSessionProvider extends SessionProvider {
	/**
	 * What every session is given, by UserGetRights: the address that MediaWiki sees is the sidecar's own, so
	 * a block of that address is meant for nobody here. A block of the person counts as ever.
	 */
	public const GIVEN_RIGHTS = [ 'ipblock-exempt' ];

	/** What a person's session may do, provided the person may. `writeapi` is asked for before 1.41 only. */
	private const PERSON_RIGHTS = [ ...self::GIVEN_RIGHTS, 'read', 'edit', 'createpage', 'createtalk', 'writeapi' ];

	/**
	 * What the system user is given, by UserGetRights: it is in no group. `protect` is asked for where a page is
	 * protected because of one that shows it; no module that protects is open to such a session.
	 */
	public const SYSTEM_RIGHTS = [
		...self::PERSON_RIGHTS, 'apihighlimits', 'autoconfirmed', 'bot', 'editprotected', 'editsemiprotected', 'noratelimit',
		'protect', 'smw-patternedit', 'smw-schemaedit',
	];

	/** Longer than a signature can be valid, clock skew on both sides included. */
	private const NONCE_TTL = 120;

	/** What the one request of this process turned out to be; null before it was looked at. */
	private User|Refusal|null $checked = null;

	public function __construct(
		private readonly UserFactory $users,
		private readonly BagOStuff $stash,
		private readonly ReadOnlyMode $readOnly
	) {
		parent::__construct();
		$this->priority = SessionInfo::MAX_PRIORITY;
	}

	/** Whether the request of this process claims to be signed by the sidecar. */
	public static function isClaimed(): bool {
		return isset( $_SERVER['HTTP_OSM_USER'] ) ||
			str_starts_with( $_SERVER['HTTP_SIGNATURE_INPUT'] ?? '', 'osm=' );
	}

	/** The provider, if the current request is the sidecar's. */
	public static function current(): ?self {
		if ( !defined( 'MW_API' ) || !self::isClaimed() ) {
			return null;
		}
		$provider = SessionManager::getGlobalSession()->getProvider();
		return $provider instanceof self ? $provider : null;
	}

	/** The user for whom the request is made; null if it was refused. */
	public function getUser(): ?User {
		return $this->checked instanceof User ? $this->checked : null;
	}

	public function getRefusal(): ?Refusal {
		return $this->checked instanceof Refusal ? $this->checked : null;
	}

	public function isSystem(): bool {
		return $this->getUser() && $_SERVER['HTTP_OSM_USER'] === 'system';
	}

	/** The revision that the sidecar had read when it made its edit; 0 if there was no page. */
	public function getParent(): ?int {
		$parent = $_SERVER['HTTP_OSM_PARENT'];
		return ctype_digit( $parent ) ? (int)$parent : null;
	}

	/** @inheritDoc */
	public function provideSessionInfo( WebRequest $request ) {
		if ( $request instanceof FauxRequest || !self::isClaimed() ) {
			return null;
		}
		// A session may be asked for more than once, but a nonce is good for one time.
		$this->checked ??= $this->check();
		$user = $this->getUser();
		return new SessionInfo( $this->priority, [
			'provider' => $this,
			// The same for all requests for a user, so that a token is good for the next request; another one
			// once the user is renamed or has a new password, for which MediaWiki would not take the old one.
			'id' => $this->hashToSessionId( $user ?
				'user:' . $user->getId() . ':' . $user->getName() . ':' . $user->getToken( false ) : 'user:0' ),
			'userInfo' => $user ? UserInfo::newFromUser( $user, true ) : UserInfo::newAnonymous(),
			'persisted' => (bool)$user,
			// Where what is stored cannot be taken it begins anew. Not while the wiki is read-only: MediaWiki takes
			// it out and tries again, for ever where it cannot be taken out, and soon no request is answered.
			'forceUse' => !$this->readOnly->isReadOnly(),
		] );
	}

	/** @inheritDoc */
	public function getAllowedUserRights( SessionBackend $backend ) {
		if ( !$this->getUser() ) {
			return [];
		}
		return $this->isSystem() ? self::SYSTEM_RIGHTS : self::PERSON_RIGHTS;
	}

	/** @inheritDoc */
	public function persistsSessionId() {
		return false;
	}

	/** @inheritDoc */
	public function canChangeUser() {
		return false;
	}

	/** @inheritDoc */
	public function persistSession( SessionBackend $session, WebRequest $request ) {
		// No cookie is set.
	}

	/** @inheritDoc */
	public function unpersistSession( WebRequest $request ) {
		// No cookie is taken.
	}

	/** @inheritDoc */
	public function preventSessionsForUser( $username ) {
		// There is nothing by which a user could come in here without the sidecar.
	}

	private function check(): User|Refusal {
		try {
			$this->verify();
			return $this->findUser( $_SERVER['HTTP_OSM_USER'] );
		} catch ( SignatureException $e ) {
			$this->log( $e->getMessage() );
			return new Refusal( 401, 'osm-badsignature', 'openstackmanager-error-signature' );
		} catch ( RuntimeException $e ) {
			$this->log( $e->getMessage() );
			return new Refusal( 403, 'osm-nouser', 'openstackmanager-error-nouser' );
		}
	}

	/** @throws SignatureException */
	private function verify(): void {
		if ( !defined( 'MW_API' ) ) {
			throw new SignatureException( 'not api.php' );
		}
		// Never a forwarded address: anybody can write that header.
		if ( !in_array( $_SERVER['REMOTE_ADDR'], $this->getConfig()->get( 'OpenStackManagerSidecarPeers' ), true ) ) {
			throw new SignatureException( 'not a configured peer' );
		}
		foreach ( [ 'OSM_USER', 'OSM_PARENT', 'OSM_REQUEST_ID', 'CONTENT_DIGEST', 'SIGNATURE_INPUT', 'SIGNATURE', 'HOST' ] as $header ) {
			if ( !isset( $_SERVER["HTTP_$header"] ) ) {
				throw new SignatureException( SignatureException::MALFORMED );
			}
		}
		// PHP reads the body as it was signed only if it is of this type and was posted.
		if ( $_SERVER['REQUEST_METHOD'] !== 'POST' ||
			( $_SERVER['CONTENT_TYPE'] ?? '' ) !== 'application/x-www-form-urlencoded' ||
			!str_starts_with( $_SERVER['REQUEST_URI'], '/' )
		) {
			throw new SignatureException( SignatureException::MALFORMED );
		}
		[ $path, $query ] = explode( '?', $_SERVER['REQUEST_URI'], 2 ) + [ 1 => '' ];
		$values = [
			'@method' => 'POST',
			'@authority' => self::authority(),
			'@path' => $path,
			'@query' => "?$query",
			'content-type' => $_SERVER['CONTENT_TYPE'],
			'content-digest' => $_SERVER['HTTP_CONTENT_DIGEST'],
			'osm-request-id' => $_SERVER['HTTP_OSM_REQUEST_ID'],
			'osm-user' => $_SERVER['HTTP_OSM_USER'],
			'osm-parent' => $_SERVER['HTTP_OSM_PARENT'],
		];
		try {
			$keys = KeyFile::read( $this->getConfig()->get( 'OpenStackManagerWikiKeysFile' ) );
		} catch ( RuntimeException $e ) {
			throw new SignatureException( $e->getMessage() );
		}
		$nonce = HttpSignature::verify(
			HttpSignature::TO_WIKI, $values, file_get_contents( 'php://input' ),
			$_SERVER['HTTP_SIGNATURE_INPUT'], $_SERVER['HTTP_SIGNATURE'], $keys, time()
		);
		$this->rememberNonce( $nonce );
	}

	/**
	 * Kept in the database, since memcached evicts; of two requests at once, one adds it. While the wiki is
	 * read-only it cannot be kept, and a replay could do nothing: action=edit answers that itself.
	 *
	 * @throws SignatureException
	 */
	private function rememberNonce( string $nonce ): void {
		$key = $this->stash->makeGlobalKey( 'openstackmanager-nonce', $nonce );
		$watch = $this->stash->watchErrors();
		if ( !$this->stash->add( $key, 1, self::NONCE_TTL ) && !$this->readOnly->isReadOnly() ) {
			throw new SignatureException(
				$this->stash->getLastError( $watch ) ? 'the nonce could not be stored' : SignatureException::REPLAY
			);
		}
	}

	private static function authority(): string {
		$default = ( $_SERVER['HTTPS'] ?? 'off' ) === 'off' || $_SERVER['HTTPS'] === '' ? '80' : '443';
		return preg_replace( "/:$default\$/D", '', strtolower( $_SERVER['HTTP_HOST'] ) );
	}

	/** @throws RuntimeException */
	private function findUser( string $named ): User {
		$systemName = $this->getConfig()->get( 'OpenStackManagerSystemUser' );
		if ( $named === 'system' ) {
			$user = $this->users->newFromName( $systemName );
			if ( !$user || !$user->isRegistered() ) {
				throw new RuntimeException( "there is no user \"$systemName\": run maintenance/update.php" );
			}
			return $user;
		}
		if ( !preg_match( '/^id:([1-9]\d{0,9})$/D', $named, $found ) ) {
			throw new RuntimeException( 'OSM-User is neither "system" nor "id:<number>"' );
		}
		$user = $this->users->newFromId( (int)$found[1] );
		$user->load();
		// The wiki's own accounts belong to no person.
		if ( !$user->isRegistered() || !$this->userNameUtils->isUsable( $user->getName() ) ) {
			throw new RuntimeException( "$named is not a person's account" );
		}
		return $user;
	}

	private function log( string $reason ): void {
		LoggerFactory::getInstance( 'OpenStackManager' )->warning(
			'A request for {user} from {peer} was refused: {reason} (request {requestId})', [
				'user' => $_SERVER['HTTP_OSM_USER'] ?? '-',
				'peer' => $_SERVER['REMOTE_ADDR'],
				'reason' => $reason,
				'requestId' => $_SERVER['HTTP_OSM_REQUEST_ID'] ?? '-',
			] );
	}
}
