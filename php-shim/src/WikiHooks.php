<?php

namespace MediaWiki\Extension\OpenStackManager;

use Config;
use MediaWiki\ChangeTags\Hook\ChangeTagsListActiveHook;
use MediaWiki\ChangeTags\Hook\ListDefinedTagsHook;
use MediaWiki\Hook\ParserFirstCallInitHook;
use MediaWiki\User\Hook\UserGetReservedNamesHook;

/** What the wiki knows of this extension besides its special pages and its API. */
class WikiHooks implements
	ChangeTagsListActiveHook,
	ListDefinedTagsHook,
	ParserFirstCallInitHook,
	UserGetReservedNamesHook
{
	/** Put by the software only: nobody can add it by hand. */
	public const TAG = 'openstackmanager';

	/** Those of Semantic MediaWiki that the templates use. */
	private const SEMANTIC_FUNCTIONS = [ 'set', 'ask', 'show' ];

	public function __construct( private readonly Config $config ) {
	}

	/** @inheritDoc */
	public function onListDefinedTags( &$tags ) {
		$tags[] = self::TAG;
	}

	/** @inheritDoc */
	public function onChangeTagsListActive( &$tags ) {
		$tags[] = self::TAG;
	}

	/** @inheritDoc */
	public function onUserGetReservedNames( &$reservedUsernames ) {
		$reservedUsernames[] = $this->config->get( 'OpenStackManagerSystemUser' );
	}

	/**
	 * Without Semantic MediaWiki its functions say nothing, instead of standing on each page as text.
	 *
	 * @inheritDoc
	 */
	public function onParserFirstCallInit( $parser ) {
		if ( defined( 'SMW_VERSION' ) ) {
			return;
		}
		foreach ( self::SEMANTIC_FUNCTIONS as $name ) {
			$parser->setFunctionHook( "openstackmanager-$name", static fn () => '' );
		}
	}
}
