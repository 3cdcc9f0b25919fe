<?php
// The lab's wiki. $lab is set by the file that MW_CONFIG_FILE names, which includes this one.

if ( !defined( 'MEDIAWIKI' ) ) {
	exit( 1 );
}

$wgSitename = 'OpenStackManager demo';
$wgMetaNamespace = 'Project';
$wgServer = $lab['server'];
$wgScriptPath = '';
$wgLogos = [ '1x' => '/logo.svg', 'icon' => '/logo.svg' ];
$wgArticlePath = '/wiki/$1';
$wgLanguageCode = 'en';
$wgLocaltimezone = 'UTC';
$wgSecretKey = $lab['secretKey'];

$wgDBtype = 'mysql';
$wgDBserver = $lab['database']['server'];
$wgDBname = $lab['database']['name'];
$wgDBuser = $lab['database']['user'];
$wgDBpassword = $lab['database']['password'];

$wgMainCacheType = CACHE_MEMCACHED;
$wgMemCachedServers = [ $lab['memcached'] ];
// Sessions outlive a restart of memcached.
$wgSessionCacheType = CACHE_DB;
$wgCacheDirectory = $lab['folder'] . '/cache';
$wgUploadDirectory = $lab['folder'] . '/images';
$wgTmpDirectory = $lab['folder'] . '/tmp';
$wgExtensionDirectory = $lab['folder'] . '/extensions';

$wgEnableEmail = false;
$wgPingback = false;
$wgShowExceptionDetails = true;
$wgDebugLogGroups['OpenStackManager'] = $lab['log'];
$wgDebugLogGroups['exception'] = $lab['log'];
$wgDebugLogGroups['error'] = $lab['log'];

// Jobs are done by a daemon.
$wgJobRunRate = 0;

$wgGroupPermissions['*']['edit'] = false;
$wgGroupPermissions['*']['createaccount'] = false;
// Tests are quicker than people.
$wgPasswordAttemptThrottle = [];
$wgRateLimits = [];

wfLoadSkin( 'Vector' );
wfLoadExtension( 'ParserFunctions' );
$wgPFEnableStringFunctions = true;

wfLoadExtension( 'OpenStackManager' );
$wgOpenStackManagerSidecarUrl = $lab['sidecar'];
$wgOpenStackManagerShimKeysFile = $lab['shimKeys'];
$wgOpenStackManagerWikiKeysFile = $lab['wikiKeys'];

if ( $lab['smw'] ) {
	require_once $lab['autoload'];
	wfLoadExtension( 'SemanticMediaWiki' );
	enableSemantics( parse_url( $wgServer, PHP_URL_HOST ) );
	$smwgNamespacesWithSemanticLinks[498] = true;
	$smwgEnabledQueryDependencyLinksStore = true;
	$smwgConfigFileDir = $lab['folder'] . '/smw';
} else {
	// After the shim, whose empty #set it replaces.
	wfLoadExtension( 'SetRecorder' );
}

// What a test has the wiki do for a while.
if ( is_readable( $lab['folder'] . '/for-a-while.php' ) ) {
	require $lab['folder'] . '/for-a-while.php';
}
