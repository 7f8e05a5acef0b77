// Shows which address the link had.

document.getElementById("address").textContent = new URLSearchParams(location.search).get("to") || "none";
