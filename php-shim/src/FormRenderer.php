<?php

namespace MediaWiki\Extension\OpenStackManager;

use DerivativeContext;
use DerivativeRequest;
use HTMLForm;
use IContextSource;
use SpecialPage;
use UnexpectedValueException;

/** Turns a form of a view into an HTMLForm. What was typed is judged by the sidecar, not here. */
class FormRenderer {
	/**
	 * @param ValueRenderer $values
	 * @param IContextSource $context
	 * @param string|null $typedForm Id of the form that was just sent: it shows again what was typed
	 */
	public function __construct(
		private readonly ValueRenderer $values,
		private readonly IContextSource $context,
		private readonly ?string $typedForm
	) {
	}

	public function render( array $block ): string {
		$typed = $block['id'] === $this->typedForm;
		$context = new DerivativeContext( $this->context );
		if ( !$typed ) {
			// HTMLForm fills its fields from the request; this form has nothing to do with it.
			$context->setRequest( new DerivativeRequest( $this->context->getRequest(), [] ) );
		} elseif ( $secret = array_filter( $block['fields'], static fn ( array $field ) => $field['secret'] ?? false ) ) {
			// What was typed there is not shown again.
			$request = $this->context->getRequest();
			$kept = array_diff_key( $request->getValues(), array_flip( array_column( $secret, 'name' ) ) );
			$context->setRequest( new DerivativeRequest( $request, $kept, $request->wasPosted() ) );
		}

		$descriptors = [];
		$hidden = [ 'idempotencykey' => $block['idempotency_key'] ];
		$wrong = false;
		foreach ( $block['fields'] as $field ) {
			if ( $field['type'] === 'hidden' ) {
				$hidden[$field['name']] = (string)$field['default'];
			} else {
				$descriptors[$field['name']] = $this->field( $field );
				$wrong = $wrong || isset( $field['error'] );
			}
		}

		$form = HTMLForm::factory( 'ooui', $descriptors, $context )
			->setTitle( SpecialPage::getTitleFor( $block['page'] ) )
			->setAction( SpecialPage::getTitleFor( $block['page'] )->getLocalURL( $block['query'] ) )
			->setId( $block['id'] )
			->setFormIdentifier( $block['id'] )
			->setSubmitTextMsg( $this->values->message( $block['submit'], false ) )
			// HTMLForm shows errors only after it has tried to submit; there is nothing that it could do.
			->setSubmitCallback( static fn () => false );
		foreach ( $hidden as $name => $value ) {
			$form->addHiddenField( $name, $value );
		}
		if ( isset( $block['intro'] ) ) {
			$form->addPreHtml( $this->values->message( $block['intro'] )->parseAsBlock() );
		}
		if ( isset( $block['preview'] ) ) {
			$form->addButton( [
				'name' => 'dryrun', 'value' => '1', 'label' => $this->values->message( $block['preview'], false )->text(),
			] );
		}
		if ( $block['destructive'] ) {
			$form->setSubmitDestructive();
		}
		if ( isset( $block['cancel'] ) ) {
			[ 'page' => $page, 'query' => $query ] = $block['cancel'];
			$form->showCancel()->setCancelTarget( SpecialPage::getTitleFor( $page )->getLocalURL( $query ) );
		}
		$form->prepareForm();
		if ( $typed || $wrong ) {
			$form->trySubmit();
		}
		return $form->getHTML( false );
	}

	private function field( array $field ): array {
		$descriptor = [
			'name' => $field['name'],
			'type' => $field['type'],
			'required' => $field['required'],
			'default' => $field['default'],
		];
		if ( isset( $field['label'] ) ) {
			$descriptor['label'] = $this->values->message( $field['label'], false )->text();
		}
		if ( isset( $field['help'] ) ) {
			$descriptor['help-message'] = $this->values->message( $field['help'] );
		}
		if ( isset( $field['maxlength'] ) ) {
			$descriptor['maxlength'] = $field['maxlength'];
		}
		if ( isset( $field['error'] ) ) {
			$error = $this->values->message( $field['error'] );
			$descriptor['validation-callback'] = static fn () => $error;
		}
		return match ( $field['type'] ) {
			'text', 'password', 'info' => $descriptor,
			'textarea' => $descriptor + [ 'rows' => 10 ],
			'check' => [ 'default' => (bool)$field['default'] ] + $descriptor,
			'select' => $descriptor + [ 'options' => $this->options( $field['options'] ) ],
			// The labels of these options are HTML to HTMLForm.
			'multiselect' => [ 'default' => (array)$field['default'] ] + $descriptor + [
				'options' => $this->options( $field['options'], 'htmlspecialchars' ),
			],
			default => throw new UnexpectedValueException( "field {$field['type']}" ),
		};
	}

	/** HTMLForm wants values by label: labels that occur twice are made to differ. */
	private function options( array $options, ?callable $escape = null ): array {
		$byLabel = [];
		foreach ( $options as [ 'value' => $value, 'label' => $label ] ) {
			$text = $this->values->text( $label );
			$text = $escape ? $escape( $text ) : $text;
			while ( isset( $byLabel[$text] ) ) {
				$text .= "\u{00A0}";
			}
			$byLabel[$text] = $value;
		}
		return $byLabel;
	}
}
