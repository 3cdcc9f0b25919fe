<?php
/**
 * What of the shim can be tried without a wiki: `php php-shim/tests/run.php`.
 * Each file in cases/ returns a list of [ name, function that returns true when all is well ].
 */

require __DIR__ . '/../src/HttpSignature.php';
require __DIR__ . '/../src/SignatureException.php';
require __DIR__ . '/../src/KeyFile.php';

$passed = 0;
$failed = 0;
foreach ( glob( __DIR__ . '/cases/*.php' ) as $file ) {
	foreach ( ( static fn () => require $file )() as [ $name, $case ] ) {
		try {
			$result = $case();
		} catch ( Throwable $error ) {
			$result = get_class( $error ) . ': ' . $error->getMessage();
		}
		if ( $result === true ) {
			$passed++;
		} else {
			$failed++;
			echo 'FAILED ', basename( $file, '.php' ), ": $name: ", var_export( $result, true ), "\n";
		}
	}
}
echo "$passed passed, $failed failed\n";
exit( $failed ? 1 : 0 );
