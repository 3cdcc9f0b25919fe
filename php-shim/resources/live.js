/**
 * Keeps a page fresh on which an operation moves: fetches it again every two seconds, until the server says
 * that nothing moves any more. Without this script the page is the same, and is reloaded by hand.
 */
( function () {
	const INTERVAL = 2000;
	const view = document.getElementById( 'osm-view' );
	if ( !view ) {
		return;
	}

	// What is read aloud: only the states that changed, not the whole page.
	const status = document.createElement( 'div' );
	status.className = 'osm-status';
	status.setAttribute( 'aria-live', 'polite' );
	view.after( status );

	function states() {
		return Array.from( view.querySelectorAll( '.osm-progress' ), ( span ) => span.textContent );
	}

	function isTyping() {
		return view.contains( document.activeElement ) && document.activeElement.matches( 'input, select, textarea' );
	}

	function replace( fresh ) {
		view.dataset.live = fresh.dataset.live;
		if ( view.innerHTML === fresh.innerHTML || isTyping() ) {
			return;
		}
		const before = states();
		view.replaceChildren( ...fresh.childNodes );
		status.textContent = states().filter( ( state ) => !before.includes( state ) ).join( ', ' );
		mw.hook( 'wikipage.content' ).fire( $( view ) );
	}

	function refresh() {
		const fetched = document.hidden ?
			Promise.resolve() :
			fetch( location.href, { credentials: 'same-origin' } )
				.then( ( response ) => response.text() )
				.then( ( html ) => {
					const fresh = new DOMParser().parseFromString( html, 'text/html' ).getElementById( 'osm-view' );
					if ( fresh ) {
						replace( fresh );
					}
				} )
				// The network or the server is away for a moment: the next round asks again.
				.catch( () => {} );
		fetched.then( goOn );
	}

	function goOn() {
		if ( view.dataset.live === '1' ) {
			setTimeout( refresh, INTERVAL );
		}
	}

	goOn();
}() );
