// The cart: kept in this browser.

const CART = "twinshop.cart";
const MAX_LINES = 20;
const MAX_QUANTITY = 100;
const listeners = new Set();

function read() {
  try {
    const cart = JSON.parse(localStorage.getItem(CART));
    if (Array.isArray(cart?.lines)) return cart;
  } catch { /* a damaged cart is an empty one */ }
  return { lines: [] };
}

function write(cart) {
  localStorage.setItem(CART, JSON.stringify(cart));
  listeners.forEach((tell) => tell());
}

export const onChange = (tell) => listeners.add(tell);
export const lines = () => read().lines;
export const count = () => lines().reduce((sum, line) => sum + line.quantity, 0);
export const total = () => lines().reduce((sum, line) => sum + line.quantity * line.price.amount, 0);
export const clear = () => write({ lines: [] });

/** Adds a product; returns false if the cart takes no further line. */
export function add(product) {
  const cart = read();
  const line = cart.lines.find((each) => each.sku === product.sku);
  if (line) line.quantity = Math.min(MAX_QUANTITY, line.quantity + 1);
  else if (cart.lines.length >= MAX_LINES) return false;
  else cart.lines.push({ sku: product.sku, name: product.name, price: product.price, quantity: 1 });
  write(cart);
  return true;
}

export function setQuantity(sku, quantity) {
  const kept = lines()
    .map((line) => (line.sku === sku ? { ...line, quantity: Math.min(MAX_QUANTITY, quantity) } : line))
    .filter((line) => line.quantity > 0);
  write({ lines: kept });
}

/** Puts today's prices into the cart, after the shop said that they changed. */
export function setPrices(prices) {
  write({ lines: lines().map((line) => ({ ...line, price: prices.get(line.sku) ?? line.price })) });
}
