// SPDX-License-Identifier: GPL-2.0
// A link to a folded entry unfolds it.
const unfold = () => {
	const entry = document.getElementById(decodeURIComponent(location.hash.slice(1)));
	if (entry?.tagName === "DETAILS") {
		entry.open = true;
		entry.scrollIntoView();
	}
};
addEventListener("hashchange", unfold);
addEventListener("DOMContentLoaded", unfold);
