using System.Globalization;
using System.Text;
using Sluice.Bench.Measuring;

namespace Sluice.Bench.Reporting;

/// <summary>A bar: its name, its value, and whether it is a floor, ours or a peer's.</summary>
internal sealed record Bar(string Name, Spread Value, string Kind);

/// <summary>Horizontal bars with a whisker from the least to the most, as SVG that reads in light and dark.</summary>
internal static class BarChart
{
    public const string Ours = "ours", Floor = "floor", Peer = "peer";
    private const int Width = 760, Left = 250, Right = 90, Top = 44, Step = 26, Thickness = 16;

    public static string Write(string title, string unit, IReadOnlyList<Bar> bars)
    {
        var height = Top + bars.Count * Step + 30;
        var most = bars.Select(bar => bar.Value.Most).Append(0).Max();
        var scale = most > 0 ? (Width - Left - Right) / most : 0;
        var svg = new StringBuilder();
        Line(svg, $"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Width} {height}" width="{Width}" height="{height}" role="img" font-family="system-ui, sans-serif" font-size="13">""");
        Line(svg, $"<title>{Escape(title)}</title>");
        Line(svg, $"<style>.ours{{fill:#1f6feb}}.floor{{fill:#8b949e}}.peer{{fill:#d29922}}</style>");
        Line(svg, $"""<rect width="{Width}" height="{height}" rx="6" fill="#ffffff"/>""");
        Line(svg, $"""<text x="12" y="24" font-weight="600" fill="#1f2328">{Escape(title)}</text>""");
        for (var i = 0; i < bars.Count; i++) Draw(svg, bars[i], Top + i * Step, scale);
        Line(svg, $"""<text x="{Left}" y="{height - 10}" font-size="12" fill="#59636e">{Escape(unit)}; the whisker goes from the least to the most of the rounds</text>""");
        Line(svg, $"</svg>");
        return svg.ToString();
    }

    private static void Draw(StringBuilder svg, Bar bar, int y, double scale)
    {
        var middle = y + Thickness / 2;
        var least = Left + bar.Value.Least * scale;
        var most = Left + bar.Value.Most * scale;
        Line(svg, $"""<text x="{Left - 10}" y="{middle + 5}" text-anchor="end" fill="#1f2328">{Escape(bar.Name)}</text>""");
        Line(svg, $"""<rect class="{bar.Kind}" x="{Left}" y="{y}" width="{Math.Max(bar.Value.Median * scale, 1):0.0}" height="{Thickness}" rx="2"/>""");
        Line(svg, $"""<path d="M{least:0.0} {middle}H{most:0.0}M{least:0.0} {middle - 3}v6M{most:0.0} {middle - 3}v6" stroke="#1f2328" fill="none"/>""");
        Line(svg, $"""<text x="{most + 8:0.0}" y="{middle + 5}" fill="#1f2328">{Escape(Number.Of(bar.Value.Median))}</text>""");
    }

    private static void Line(StringBuilder svg, FormattableString text) => svg.Append(text.ToString(CultureInfo.InvariantCulture)).Append('\n');

    private static string Escape(string text) => text
        .Replace("&", "&amp;", StringComparison.Ordinal)
        .Replace("<", "&lt;", StringComparison.Ordinal)
        .Replace(">", "&gt;", StringComparison.Ordinal)
        .Replace("\"", "&quot;", StringComparison.Ordinal);
}
