<?php

namespace MediaWiki\Extension\OpenStackManager;

use Html;
use IContextSource;
use MediaWiki\Cache\LinkBatchFactory;
use MediaWiki\Linker\LinkRenderer;
use Sanitizer;
use SpecialPage;
use Title;
use UnexpectedValueException;

/**
 * Turns the view that the sidecar sends into HTML, with MediaWiki's own means.
 *
 * Whatever comes from a view is text, a message key, a page, an address: there is none that passes as HTML.
 * A view of another shape ends in a TypeError or an UnexpectedValueException.
 */
class ViewRenderer {
	private readonly ValueRenderer $values;
	private readonly FormRenderer $forms;

	/**
	 * @param IContextSource $context
	 * @param LinkRenderer $links
	 * @param LinkBatchFactory $linkBatches
	 * @param string|null $typedForm Id of the form that was just sent: it shows again what was typed
	 */
	public function __construct(
		private readonly IContextSource $context,
		private readonly LinkRenderer $links,
		private readonly LinkBatchFactory $linkBatches,
		?string $typedForm
	) {
		$this->values = new ValueRenderer( $context, $links );
		$this->forms = new FormRenderer( $this->values, $context, $typedForm );
	}

	/** The title of the page, as HTML. */
	public function title( array $view ): string {
		return $this->values->message( $view['title'], false )->escaped();
	}

	public function render( array $view ): string {
		$this->loadLinkedPages( $view['blocks'] );
		$html = '';
		foreach ( $view['notices'] as $notice ) {
			$html .= $this->notice( $notice );
		}
		foreach ( $view['blocks'] as $block ) {
			$html .= $this->block( $block );
		}
		if ( isset( $view['as_of'] ) ) {
			$asOf = $this->context->msg( 'openstackmanager-asof' )->rawParams( $this->values->time( $view['as_of'] ) );
			$html .= Html::rawElement( 'p', [ 'class' => 'osm-asof' ], $asOf->escaped() );
		}
		return $html;
	}

	private function notice( array $notice ): string {
		$text = $this->values->message( $notice['text'] )->parse();
		return match ( $notice['level'] ) {
			'success' => Html::successBox( $text ),
			'warning' => Html::warningBox( $text ),
			'error' => Html::errorBox( $text ),
			'info' => Html::noticeBox( $text, '' ),
			default => throw new UnexpectedValueException( "notice {$notice['level']}" ),
		};
	}

	private function block( array $block ): string {
		return match ( $block['b'] ) {
			'heading' => $this->heading( $block ),
			'para' => $this->paragraph( $block['text'] ),
			'table' => $this->table( $block ),
			'facts' => $this->facts( $block['rows'] ),
			'pre' => Html::element( 'pre', [ 'class' => 'osm-pre' ], $block['text'] ),
			'form' => $this->forms->render( $block ),
			'pager' => $this->pager( $block ),
			default => throw new UnexpectedValueException( "block {$block['b']}" ),
		};
	}

	private function heading( array $block ): string {
		$html = $this->values->value( $block['text'] );
		if ( $block['links'] ) {
			$links = $this->context->msg( 'parentheses' )->rawParams( $this->values->list( $block['links'] ) )->escaped();
			$html .= ' ' . Html::rawElement( 'span', [ 'class' => 'osm-heading-links' ], $links );
		}
		$level = min( max( $block['level'], 2 ), 6 );
		return Html::rawElement( "h$level", [ 'id' => self::id( $block['id'] ) ], $html );
	}

	private function paragraph( array $text ): string {
		return $text['t'] === 'msg'
			? $this->values->message( $text['v'] )->parseAsBlock()
			: Html::rawElement( 'p', [], $this->values->value( $text ) );
	}

	private function table( array $block ): string {
		if ( !$block['rows'] && isset( $block['empty'] ) ) {
			return $this->values->message( $block['empty'] )->parseAsBlock();
		}
		$head = '';
		foreach ( $block['columns'] as $column ) {
			$head .= Html::rawElement( 'th', [ 'scope' => 'col' ], $this->values->message( $column )->escaped() );
		}
		$body = '';
		foreach ( $block['rows'] as $row ) {
			$cells = '';
			foreach ( $row['cells'] as $cell ) {
				$cells .= Html::rawElement( 'td', [], $this->values->value( $cell ) );
			}
			$body .= Html::rawElement( 'tr', [ 'id' => self::id( $row['id'] ) ], $cells );
		}
		return Html::rawElement(
			'table', [ 'id' => self::id( $block['id'] ), 'class' => 'wikitable sortable osm-table' ],
			Html::rawElement( 'thead', [], Html::rawElement( 'tr', [], $head ) ) .
				Html::rawElement( 'tbody', [], $body )
		);
	}

	private function facts( array $rows ): string {
		$html = '';
		foreach ( $rows as $row ) {
			$html .= Html::rawElement( 'tr', [],
				Html::rawElement( 'th', [ 'scope' => 'row' ], $this->values->message( $row['label'] )->escaped() ) .
				Html::rawElement( 'td', [], $this->values->value( $row['value'] ) )
			);
		}
		return Html::rawElement( 'table', [ 'class' => 'wikitable osm-facts' ], $html );
	}

	private function pager( array $block ): string {
		$links = [];
		foreach ( [ 'prev', 'next' ] as $direction ) {
			if ( isset( $block[$direction] ) ) {
				[ 'page' => $page, 'query' => $query ] = $block[$direction];
				$links[] = $this->links->makeKnownLink(
					SpecialPage::getTitleFor( $page ), $this->context->msg( "openstackmanager-pager-$direction" )->text(),
					[ 'rel' => $direction ], $query
				);
			}
		}
		return Html::rawElement( 'p', [ 'class' => 'osm-pager' ], $this->context->getLanguage()->pipeList( $links ) );
	}

	private static function id( string $id ): string {
		return Sanitizer::escapeIdForAttribute( $id );
	}

	/** One query says of all linked pages whether they exist. */
	private function loadLinkedPages( array $blocks ): void {
		$titles = [];
		$collect = static function ( array $part ) use ( &$collect, &$titles ) {
			if ( ( $part['t'] ?? null ) === 'wiki' ) {
				$titles[] = Title::newFromText( $part['title'] );
			}
			array_map( $collect, array_filter( $part, 'is_array' ) );
		};
		$collect( $blocks );
		$this->linkBatches->newLinkBatch( array_filter( $titles ) )->setCaller( __METHOD__ )->execute();
	}
}
