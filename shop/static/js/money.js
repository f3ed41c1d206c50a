/* {minor: 1999, currency: "EUR"} → "€19.99", as people of the page's language write it. */
export function money({ minor, currency }) {
  const format = new Intl.NumberFormat(document.documentElement.lang, { style: 'currency', currency })
  return format.format(minor / 10 ** format.resolvedOptions().maximumFractionDigits)
}
