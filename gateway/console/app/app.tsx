import { useEffect } from 'preact/hooks';
import { landingOf, PAGES } from './pages/index.ts';
import { SignIn } from './pages/signin.tsx';
import { PageHead } from './parts/card.tsx';
import { Layout } from './parts/layout.tsx';
import { Empty } from './parts/states.tsx';
import { announce, Toasts } from './parts/toast.tsx';
import { addressOf, location, navigate, routeOf } from './router.ts';
import { session } from './session.ts';

export function App() {
  useArrivals();
  return (
    <>
      <Layout>
        <Page />
      </Layout>
      <Toasts />
    </>
  );
}

/** The page of where one is: the sign-in page wherever nobody is signed in, so that the address stays. */
function Page() {
  const who = session.value;
  if (!who) return <SignIn />;
  const route = routeOf(location.value.path);
  if (route?.place === 'home' || route?.place === 'signin') return <Landing operator={who.operator} />;
  const entry = route && PAGES[route.place];
  if (!entry || (route.id !== undefined && !entry.one)) return <Missing />;
  if (entry.operators && !who.operator) return <NotForOwners />;
  // Another person, or another thing, begins with nothing of the one before.
  if (route.id !== undefined && entry.one) return <entry.one key={`${who.owner} ${route.id}`} id={route.id} />;
  return <entry.page key={who.owner} />;
}

function Landing({ operator }: { operator: boolean }) {
  useEffect(() => navigate(addressOf(landingOf(operator)), { replace: true }), [operator]);
  return null;
}

function Missing() {
  return (
    <>
      <PageHead title="There is no such page" />
      <Empty title="Nothing stands at this address." action={<a href="/">Go to the first page</a>} />
    </>
  );
}

function NotForOwners() {
  return (
    <>
      <PageHead title="For operators only" />
      <Empty
        title="This page shows the whole system, which only operators may see."
        action={<a href="/accounts">Go to your accounts</a>}
      />
    </>
  );
}

/** Whoever comes to another page begins at its heading, which is said to those who cannot see it. */
function useArrivals(): void {
  const { path } = location.value;
  useEffect(() => {
    const heading = document.querySelector('main h1');
    document.title = heading ? `${heading.textContent} · Tributary` : 'Tributary';
    window.scrollTo(0, 0);
    if (document.activeElement !== document.body && heading instanceof HTMLElement)
      heading.focus({ preventScroll: true });
    if (heading) announce(heading.textContent ?? '');
  }, [path, session.value?.token]);
}
