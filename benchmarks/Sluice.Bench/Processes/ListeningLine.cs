using System.Globalization;

namespace Sluice.Bench.Processes;

/// <summary>The line by which a server tells its port: <c>listening 1234</c>, <c>listening on http://127.0.0.1:1234</c>.</summary>
internal static class ListeningLine
{
    public static bool TryParse(string line, out int port)
    {
        port = 0;
        var text = line.AsSpan().TrimEnd();
        if (!text.Contains("listening ", StringComparison.Ordinal)) return false;
        var digits = text[(text.LastIndexOfAnyExceptInRange('0', '9') + 1)..];
        return int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is > 0 and <= 65535;
    }
}
