<?php

namespace MediaWiki\Extension\OpenStackManager;

use Html;
use IContextSource;
use MediaWiki\Linker\LinkRenderer;
use Message;
use SpecialPage;
use Title;
use UnexpectedValueException;

/**
 * Turns the typed values of a view, and its messages, into HTML or text. Each is escaped by its type.
 */
class ValueRenderer {
	public function __construct(
		private readonly IContextSource $context,
		private readonly LinkRenderer $links
	) {
	}

	/**
	 * @param array $msg
	 * @param bool $html Whether the message will be shown as HTML, where links can stand in it
	 */
	public function message( array $msg, bool $html = true ): Message {
		if ( !str_starts_with( $msg['key'], 'openstackmanager-' ) ) {
			throw new UnexpectedValueException( "message key {$msg['key']}" );
		}
		$params = array_map( fn ( array $value ) => match ( $value['t'] ) {
			'num' => Message::numParam( $value['v'] ),
			'msg' => $this->message( $value['v'], $html ),
			'text' => Message::plaintextParam( $value['v'] ),
			default => $html ? Message::rawParam( $this->value( $value ) ) : Message::plaintextParam( $this->text( $value ) ),
		}, $msg['params'] );
		return $this->context->msg( $msg['key'], ...$params );
	}

	/** A value as HTML. */
	public function value( array $value ): string {
		return match ( $value['t'] ) {
			'wiki' => $this->wikiLink( $value ),
			'url' => $this->externalLink( $value ),
			'special' => $this->links->makeKnownLink(
				SpecialPage::getTitleFor( $value['page'] ), $this->message( $value['label'], false )->text(),
				[], $value['query']
			),
			'time' => $this->time( $value['v'] ),
			'list' => $this->list( $value['v'] ),
			'progress' => Html::rawElement(
				'span', [ 'class' => 'osm-progress', 'data-operation' => $value['operation'] ],
				$this->message( $value['state'] )->escaped()
			),
			'code' => Html::element( 'code', [], $value['v'] ),
			'msg' => $this->message( $value['v'] )->escaped(),
			'text', 'num', 'bytes' => htmlspecialchars( $this->text( $value ) ),
			default => throw new UnexpectedValueException( "value {$value['t']}" ),
		};
	}

	/** A value where only text can stand, as in an option of a select. */
	public function text( array $value ): string {
		$lang = $this->context->getLanguage();
		return match ( $value['t'] ) {
			'text', 'code' => $value['v'],
			'msg' => $this->message( $value['v'], false )->text(),
			'num' => $lang->formatNum( $value['v'] ),
			'bytes' => $lang->formatSize( $value['v'] ),
			'time' => $this->localTime( $value['v'] ) ?? $value['v'],
			'wiki' => $value['label'] ?? $value['title'],
			'list' => $lang->commaList( array_map( [ $this, 'text' ], $value['v'] ) ),
			default => throw new UnexpectedValueException( "value {$value['t']} as text" ),
		};
	}

	/** Links are told apart by a bar, other values by a comma. */
	public function list( array $values ): string {
		$lang = $this->context->getLanguage();
		$html = array_map( [ $this, 'value' ], $values );
		$others = array_diff( array_column( $values, 't' ), [ 'wiki', 'url', 'special' ] );
		return $others ? $lang->commaList( $html ) : $lang->pipeList( $html );
	}

	private function wikiLink( array $value ): string {
		$title = Title::newFromText( $value['title'] );
		$label = $value['label'] ?? $value['title'];
		return $title ? $this->links->makeLink( $title, $label ) : htmlspecialchars( $label );
	}

	private function externalLink( array $value ): string {
		$label = $value['label'] ?? $value['href'];
		if ( !preg_match( '~^https?://~i', $value['href'] ) ) {
			return htmlspecialchars( $label );
		}
		return Html::element(
			'a', [ 'href' => $value['href'], 'class' => 'external', 'rel' => 'nofollow noreferrer noopener' ], $label
		);
	}

	public function time( string $time ): string {
		$text = $this->localTime( $time );
		return $text === null ? htmlspecialchars( $time ) : Html::element( 'time', [ 'datetime' => $time ], $text );
	}

	/** In the zone, language and format of the person who looks. */
	private function localTime( string $time ): ?string {
		$timestamp = wfTimestamp( TS_MW, $time );
		return $timestamp
			? $this->context->getLanguage()->userTimeAndDate( $timestamp, $this->context->getUser() )
			: null;
	}
}
