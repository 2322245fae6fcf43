// Light or dark as it was chosen in the console; before anything is drawn.
const chosen = localStorage.getItem('tributary.theme');
if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
