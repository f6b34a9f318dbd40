import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BarChart } from 'echarts/charts'
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components'
import { init, use } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'
import { type Chart, chartsOf } from './charts.ts'
import { digits, type Report } from './report.ts'

use([BarChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer])

const WIDTH = 860
const HEIGHT = 410

/** One colour per system in all charts, told apart without seeing red and green; ours are the strong ones. */
const COLOURS: Record<string, string> = {
  boreal: '#0b5fa5',
  'boreal, no keys': '#3a8fd0',
  'boreal --no-sync': '#8cc4ee',
  rqlite: '#e08a1e',
  'rqlite, keys': '#f0bd7c',
  'postgres http': '#8a8f98',
  postgres: '#c3c7ce',
  h2: '#e08a1e',
  'delay alone': '#c3c7ce',
}

/** Draws the charts of a report into a folder; gives their files. */
export async function plot({ figures, options }: Report, folder: string): Promise<string[]> {
  await mkdir(folder, { recursive: true })
  const files: string[] = []
  for (const chart of chartsOf(figures, options.sizes)) {
    const file = join(folder, `${chart.name}.svg`)
    await writeFile(file, `${svgOf(chart)}\n`)
    files.push(file)
  }
  return files
}

/** A chart as SVG, on white, so that it can be read on any page. */
export function svgOf({ title, subtitle, categories, series }: Chart): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT })
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    textStyle: { fontFamily: 'sans-serif' },
    title: { text: title, subtext: subtitle, left: 16, top: 10, textStyle: { fontSize: 17 } },
    legend: { left: 'center', bottom: 8, itemWidth: 14, data: series.map(({ system }) => system) },
    grid: { left: 64, right: 24, top: 86, bottom: 66 },
    xAxis: { type: 'category', data: categories, axisTick: { show: false }, axisLabel: { interval: 0 } },
    yAxis: { type: 'value', axisLabel: { formatter: (value: number) => value.toLocaleString('en-US') } },
    series: series.map(({ system, values }) => ({
      name: system,
      type: 'bar',
      barMaxWidth: 48,
      barGap: '8%',
      itemStyle: { color: COLOURS[system] ?? '#555555' },
      // A system without a value keeps its place, so that the groups look alike.
      data: values.map((value) => value ?? null),
      label: {
        show: true,
        position: 'top',
        fontSize: 9,
        color: '#333333',
        formatter: ({ value }: { value?: unknown }) => (typeof value === 'number' ? compact(value) : ''),
      },
    })),
  } as Parameters<typeof chart.setOption>[0])
  const svg = chart.renderToSVGString()
  // Otherwise its clock keeps the process alive.
  chart.dispose()
  return svg
}

/** 12,345 as 12.3k: labels stand close together. */
function compact(value: number): string {
  return value >= 1_000 ? `${digits(Number((value / 1_000).toPrecision(3)))}k` : digits(value)
}
