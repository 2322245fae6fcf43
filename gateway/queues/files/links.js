// bull-board opens what it links to in another tab, where nobody is signed in to the console. Here it stays in this one.
document.addEventListener('click', event => {
  const link = event.target instanceof Element ? event.target.closest('a[target="_blank"]') : null;
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (new URL(link.href).origin === location.origin) link.removeAttribute('target');
});
