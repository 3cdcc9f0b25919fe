<?php

namespace MediaWiki\Extension\OpenStackManager\Api;

use Wikimedia\ParamValidator\ParamValidator;
use Wikimedia\ParamValidator\TypeDef\IntegerDef;

/** The catalogue of API modules, written by the sidecar: `openstackmanager contract`. */
final class Contract {
	/** How many rows a list gives at most in one answer. */
	private const MAX_LIMIT = 500;

	/** @param string $kind "actions" or "lists" */
	public static function module( string $kind, string $name ): array {
		static $contract;
		$contract ??= json_decode( file_get_contents( __DIR__ . '/../../contract.json' ), true, 512, JSON_THROW_ON_ERROR );
		return $contract[$kind][$name];
	}

	/** The parameters of a module as MediaWiki wants them. */
	public static function parameters( array $module ): array {
		return array_map( static fn ( array $param ) => match ( $param['type'] ) {
			'limit' => [
				ParamValidator::PARAM_TYPE => 'limit',
				ParamValidator::PARAM_DEFAULT => 50,
				IntegerDef::PARAM_MIN => 1,
				IntegerDef::PARAM_MAX => self::MAX_LIMIT,
				IntegerDef::PARAM_MAX2 => self::MAX_LIMIT,
			],
			// No default, so that what was not said is not sent.
			'boolean' => [ ParamValidator::PARAM_TYPE => 'boolean' ],
			default => [
				ParamValidator::PARAM_TYPE => $param['type'],
				ParamValidator::PARAM_ISMULTI => $param['multi'] ?? false,
				ParamValidator::PARAM_REQUIRED => $param['required'] ?? false,
				// Not into the wiki's logs.
				ParamValidator::PARAM_SENSITIVE => $param['sensitive'] ?? false,
			],
		}, $module['params'] );
	}

	/**
	 * The parameters that must not stand in addresses, which get into logs.
	 *
	 * @return string[]
	 */
	public static function sensitive( array $module ): array {
		return array_keys( array_filter( $module['params'], static fn ( array $param ) => $param['sensitive'] ?? false ) );
	}

	/** Parameters as the envelope carries them: strings and lists of strings, only those that were given. */
	public static function forEnvelope( array $params ): array {
		$given = array_filter( $params, static fn ( $value ) => $value !== null && $value !== false );
		return array_map( static fn ( $value ) => match ( true ) {
			is_array( $value ) => array_map( 'strval', $value ),
			$value === true => '1',
			default => (string)$value,
		}, $given );
	}
}
