<?php

namespace MediaWiki\Extension\OpenStackManager;

use Config;
use MediaWiki\Block\Hook\AbortAutoblockHook;
use MediaWiki\ChangeTags\Hook\ChangeTagsListActiveHook;
use MediaWiki\ChangeTags\Hook\ListDefinedTagsHook;
use MediaWiki\Content\Hook\ContentModelCanBeUsedOnHook;
use MediaWiki\Hook\ParserFirstCallInitHook;
use MediaWiki\User\Hook\UserGetReservedNamesHook;

/** What the wiki knows of this extension besides its special pages and its API. */
class WikiHooks implements
	AbortAutoblockHook,
	ChangeTagsListActiveHook,
	ContentModelCanBeUsedOnHook,
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

	/**
	 * MediaWiki blocks the last address of a person who is blocked. Where their last edit was the sidecar's,
	 * that is the sidecar's address, which is nobody's own.
	 *
	 * @inheritDoc
	 */
	public function onAbortAutoblock( $autoblockip, $block ) {
		return !in_array( $autoblockip, $this->config->get( 'OpenStackManagerSidecarPeers' ), true );
	}

	/**
	 * Everybody may change the content model of a page they may edit; a page of a resource that were no
	 * wikitext could not be kept up to date.
	 *
	 * @inheritDoc
	 */
	public function onContentModelCanBeUsedOn( $contentModel, $title, &$ok ) {
		if ( $title->inNamespace( NS_NOVA_RESOURCE ) && $contentModel !== CONTENT_MODEL_WIKITEXT ) {
			$ok = false;
		}
		return $ok;
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
