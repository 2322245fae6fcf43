/**
 * Where everything stands in the picture of the events' way: who emits them to the left, their types in the middle, who consumes
 * them to the right. Drawn from what the services say of themselves, so one that is added appears by itself. Pure.
 */
import { consumes, EVERY_TYPE, type Flow, type ServiceHealth, serviceOf } from './facts.ts';

export type Box = { x: number; y: number; width: number; height: number };
/** A curve from one box to another. `rate`: events per second along it. */
export type Link = { key: string; path: string; rate: number; thickness: number };
export type TypeBox = Box & { type: string; rate: number };
export type ServiceBox = Box & { service: ServiceHealth; rate: number };
export type Picture = {
  width: number;
  height: number;
  emitters: ServiceBox[];
  types: TypeBox[];
  consumers: ServiceBox[];
  links: Link[];
};

type Sizes = {
  service: number;
  type: number;
  consumer: number;
  serviceHeight: number;
  typeHeight: number;
  gap: number;
};

const WIDE: Sizes = { service: 172, type: 196, consumer: 190, serviceHeight: 54, typeHeight: 34, gap: 14 };
const NARROW: Sizes = { service: 92, type: 90, consumer: 98, serviceHeight: 88, typeHeight: 54, gap: 10 };
const TIGHT: Sizes = { ...NARROW, service: 76, type: 84, consumer: 84 };
const NARROW_BELOW = 620;
const TIGHT_BELOW = 330;

const sizesFor = (width: number): Sizes => (width < TIGHT_BELOW ? TIGHT : width < NARROW_BELOW ? NARROW : WIDE);

/** @param width in pixels, from 268 on. */
export function pictureOf(services: readonly ServiceHealth[], flows: readonly Flow[], width: number): Picture {
  const sizes = sizesFor(width);
  const emitting = services.filter(({ name, emits }) => emits.length > 0 || flows.some(from(name)));
  const names = typesOf(emitting, services, flows);
  const middle = Math.round((width - sizes.service - sizes.consumer - sizes.type) / 2 + sizes.service);
  const consuming = orderedConsumers(services, names);
  const tallest = Math.max(
    names.length * (sizes.typeHeight + sizes.gap),
    Math.max(emitting.length, consuming.length) * (sizes.serviceHeight + sizes.gap),
  );
  const height = Math.max(tallest - sizes.gap, sizes.serviceHeight);

  const types = spread(names.length, sizes.typeHeight, height).map((y, index): TypeBox => {
    const type = names[index] ?? '';
    return { type, x: middle, y, width: sizes.type, height: sizes.typeHeight, rate: rateOf(flows, type) };
  });
  const emitters = besides(emitting, types, flows, height, sizes).map(({ service, y }): ServiceBox => {
    const box = { x: 0, y, width: sizes.service, height: sizes.serviceHeight };
    return { ...box, service, rate: rateOf(flows.filter(from(service.name))) };
  });
  const consumers = spread(consuming.length, sizes.serviceHeight, height).flatMap((y, index): ServiceBox[] => {
    const service = consuming[index];
    if (!service) return [];
    const box = { x: width - sizes.consumer, y, width: sizes.consumer, height: sizes.serviceHeight };
    return [{ ...box, service, rate: rateOf(flows.filter(({ type }) => consumes(service, type))) }];
  });
  return { width, height, emitters, types, consumers, links: linksOf(emitters, types, consumers, flows) };
}

const from = (service: string) => (flow: Flow) => serviceOf(flow.source) === service;

const rateOf = (flows: readonly Flow[], type?: string): number =>
  flows.reduce((all, flow) => (type === undefined || flow.type === type ? all + flow.eventsPerSecond : all), 0);

/** In the order of who emits them; then what somebody waits for, and what has been seen without being announced. */
function typesOf(
  emitting: readonly ServiceHealth[],
  services: readonly ServiceHealth[],
  flows: readonly Flow[],
): string[] {
  return [
    ...new Set([
      ...emitting.flatMap(({ emits }) => emits),
      ...services.flatMap(({ consumes: types }) => types.filter(type => type !== EVERY_TYPE)),
      ...flows.map(({ type }) => type),
    ]),
  ];
}

/** Each beside the types that it takes, as far as there is room: fewer lines cross. What takes everything stands last. */
function orderedConsumers(services: readonly ServiceHealth[], types: readonly string[]): ServiceHealth[] {
  const place = (service: ServiceHealth) => {
    if (service.consumes.includes(EVERY_TYPE)) return Number.POSITIVE_INFINITY;
    const places = types.flatMap((type, index) => (consumes(service, type) ? index : []));
    return places.reduce((sum, index) => sum + index, 0) / Math.max(places.length, 1);
  };
  return services
    .filter(service => types.some(type => consumes(service, type)))
    .sort((a, b) => {
      const [first, second] = [place(a), place(b)];
      return first === second ? 0 : first - second;
    });
}

/** Tops of boxes of one height, as far apart as they can be. */
function spread(count: number, boxHeight: number, height: number): number[] {
  const step = height / Math.max(count, 1);
  return Array.from({ length: count }, (_, index) => Math.round(step * (index + 0.5) - boxHeight / 2));
}

/** Each service at the height of the types that it emits, none over another. */
function besides(
  emitting: readonly ServiceHealth[],
  types: readonly TypeBox[],
  flows: readonly Flow[],
  height: number,
  { serviceHeight, gap }: Sizes,
): { service: ServiceHealth; y: number }[] {
  const wished = emitting
    .map(service => {
      const own = types.filter(({ type }) => isEmitted(service, type, flows));
      const centre = own.reduce((sum, box) => sum + box.y + box.height / 2, 0) / Math.max(own.length, 1);
      return { service, y: centre - serviceHeight / 2 };
    })
    .sort((a, b) => a.y - b.y);
  // Down as far as the one above asks for, then up as far as there is no room below.
  let top = 0;
  for (const box of wished) {
    box.y = Math.max(box.y, top);
    top = box.y + serviceHeight + gap;
  }
  let bottom = height;
  for (const box of [...wished].reverse()) {
    box.y = Math.round(Math.min(box.y, bottom - serviceHeight));
    bottom = box.y - gap;
  }
  return wished;
}

const isEmitted = ({ name, emits }: ServiceHealth, type: string, flows: readonly Flow[]): boolean =>
  emits.includes(type) || flows.some(flow => flow.type === type && from(name)(flow));

function linksOf(
  emitters: readonly ServiceBox[],
  types: readonly TypeBox[],
  consumers: readonly ServiceBox[],
  flows: readonly Flow[],
): Link[] {
  const incoming = emitters.flatMap(emitter =>
    types
      .filter(({ type }) => isEmitted(emitter.service, type, flows))
      .map(box => {
        const rate = rateOf(flows.filter(from(emitter.service.name)), box.type);
        return linkOf(`${emitter.service.name}>${box.type}`, emitter, box, rate);
      }),
  );
  const outgoing = types.flatMap(box =>
    consumers
      .filter(({ service }) => consumes(service, box.type))
      .map(consumer => linkOf(`${box.type}>${consumer.service.name}`, box, consumer, box.rate)),
  );
  return [...incoming, ...outgoing];
}

const THIN = 1.25;
const THICKEST = 9;

function linkOf(key: string, a: Box, b: Box, rate: number): Link {
  const [x1, y1, x2, y2] = [a.x + a.width, a.y + a.height / 2, b.x, b.y + b.height / 2];
  const bend = (x2 - x1) / 2;
  const thickness = Math.min(THICKEST, THIN + Math.log2(1 + rate) * 0.75);
  return {
    key,
    path: `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`,
    rate,
    thickness: Math.round(thickness * 100) / 100,
  };
}
