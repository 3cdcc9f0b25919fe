<?php
/** The parser function that is recorded. */

$magicWords = [];

/** English (English) */
$magicWords['en'] = [
	'setrecorder' => [ 0, 'set' ],
];
