<?php

namespace MediaWiki\Extension\OpenStackManager\Special;

use Html;
use MediaWiki\Cache\LinkBatchFactory;
use MediaWiki\Extension\OpenStackManager\Envelope;
use MediaWiki\Extension\OpenStackManager\SidecarClient;
use MediaWiki\Extension\OpenStackManager\SidecarUnavailable;
use MediaWiki\Extension\OpenStackManager\ViewRenderer;
use MediaWiki\Linker\LinkRenderer;
use MediaWiki\Logger\LoggerFactory;
use SpecialPage;
use TypeError;
use UnexpectedValueException;

/**
 * Every special page of this extension: forwards to the sidecar what was asked, and shows the view that
 * comes back. Which pages there are is said in extension.json.
 */
class SidecarSpecialPage extends SpecialPage {
	public function __construct(
		protected readonly SidecarClient $sidecar,
		protected readonly Envelope $envelope,
		private readonly LinkRenderer $links,
		private readonly LinkBatchFactory $linkBatches,
		string $name
	) {
		parent::__construct( $name );
	}

	/** @inheritDoc */
	public function doesWrites() {
		return true;
	}

	/** @inheritDoc */
	protected function getGroupName() {
		return 'nova';
	}

	/** @inheritDoc */
	public function execute( $subPage ) {
		$this->setHeaders();
		$this->requireLogin();
		$out = $this->getOutput();
		$out->disableClientCache();
		$out->addModuleStyles( 'ext.openStackManager.styles' );
		// Boxes are drawn by this module in newer MediaWikis, and by the skin in older ones.
		if ( $out->getResourceLoader()->isModuleRegistered( 'mediawiki.codex.messagebox.styles' ) ) {
			$out->addModuleStyles( 'mediawiki.codex.messagebox.styles' );
		}

		$posted = $this->getRequest()->wasPosted();
		$submitted = $posted && $this->getContext()->getCsrfTokenSet()->matchTokenField();
		$envelope = $this->envelope->ofPage( $this->getContext(), $submitted );
		try {
			$view = $this->sidecar->call( '/v1/special/' . $this->getName(), $envelope );
			$this->show( $view, $posted, $submitted );
		} catch ( SidecarUnavailable $e ) {
			$this->showUnavailable( $e );
		} catch ( UnexpectedValueException | TypeError $e ) {
			LoggerFactory::getInstance( 'OpenStackManager' )->error(
				'The sidecar sent a view that cannot be shown (request {requestId}): {exception}',
				[ 'requestId' => $envelope['request_id'], 'exception' => $e ]
			);
			$this->showUnavailable( new SidecarUnavailable( $envelope['request_id'] ) );
		}
	}

	private function show( array $view, bool $posted, bool $submitted ): void {
		$missing = array_diff( [ 'status', 'title', 'live', 'notices', 'blocks' ], array_keys( $view ) );
		if ( $missing ) {
			throw new UnexpectedValueException( 'no ' . implode( ', ', $missing ) );
		}
		$out = $this->getOutput();
		if ( isset( $view['redirect'] ) && $submitted ) {
			[ 'page' => $page, 'query' => $query ] = $view['redirect'];
			$out->redirect( SpecialPage::getTitleFor( $page )->getFullURL( $query ), 303 );
			return;
		}
		$typed = $posted ? $this->getRequest()->getRawVal( 'wpFormIdentifier' ) : null;
		$renderer = new ViewRenderer( $this->getContext(), $this->links, $this->linkBatches, $typed );
		$title = $renderer->title( $view );
		$html = $renderer->render( $view );
		if ( $posted && !$submitted ) {
			// Nothing was done; what was typed stands in the form, to be sent once more.
			$html = Html::errorBox( $this->msg( 'sessionfailure' )->parse() ) . $html;
			$out->setStatusCode( 403 );
		} else {
			$out->setStatusCode( $view['status'] );
		}
		$out->setPageTitle( $title );
		$out->addHTML( Html::rawElement(
			'div', [ 'id' => 'osm-view', 'data-live' => $view['live'] ? '1' : '0' ], $html
		) );
		if ( $view['live'] ) {
			$out->addModules( 'ext.openStackManager.live' );
		}
	}

	private function showUnavailable( SidecarUnavailable $e ): void {
		$out = $this->getOutput();
		$out->setStatusCode( $e->status() );
		$out->addHTML( Html::errorBox( $this->msg( $e->key() )->plaintextParams( $e->requestId )->parse() ) );
	}
}
