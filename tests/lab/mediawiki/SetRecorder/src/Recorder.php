<?php

namespace OpenStackManager\SetRecorder;

use MediaWiki\Hook\ParserFirstCallInitHook;
use Parser;

/**
 * For the tests of a wiki without Semantic MediaWiki: keeps what #set is given, as it is given, so that
 * page → (property, value) can be looked at without it.
 */
class Recorder implements ParserFirstCallInitHook {
	public const PROPERTY = 'setrecorder';

	/** @inheritDoc */
	public function onParserFirstCallInit( $parser ) {
		$parser->setFunctionHook( 'setrecorder', [ self::class, 'record' ] );
	}

	public static function record( Parser $parser, string ...$arguments ): string {
		$output = $parser->getOutput();
		$pairs = json_decode( $output->getPageProperty( self::PROPERTY ) ?? '[]', true );
		// As Semantic MediaWiki reads it: a value after a value of the same property stands alone, and
		// |+sep= says by what the values of the property before it are told apart.
		$property = null;
		$values = [];
		$flush = static function () use ( &$pairs, &$property, &$values ) {
			foreach ( $values as $value ) {
				if ( $property !== null && $value !== '' ) {
					$pairs[] = [ $property, $value ];
				}
			}
			$values = [];
		};
		foreach ( array_map( 'trim', $arguments ) as $argument ) {
			if ( str_starts_with( $argument, '+sep' ) ) {
				$separator = explode( '=', $argument, 2 )[1] ?? ',';
				$last = array_pop( $values ) ?? '';
				array_push( $values, ...array_map( 'trim', explode( $separator === '' ? ',' : $separator, $last ) ) );
			} elseif ( str_contains( $argument, '=' ) ) {
				$flush();
				[ $property, $value ] = array_map( 'trim', explode( '=', $argument, 2 ) );
				$values = [ $value ];
			} else {
				$values[] = $argument;
			}
		}
		$flush();
		$output->setPageProperty( self::PROPERTY, json_encode( $pairs, JSON_UNESCAPED_UNICODE ) );
		return '';
	}
}
