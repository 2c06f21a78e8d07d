using System.Buffers;

namespace Sluice.Proxy;

/// <summary>
/// What stands behind the method in the request line (RFC 9112 §3.2), kept as it came: <c>%2F</c> stays <c>%2F</c>.
/// Only dot segments are resolved, as the server's routing already did; else <c>/a/../b</c> could be routed as one
/// path and be another at the backend, or climb out of the backend's path prefix.
/// </summary>
internal static class RequestTarget
{
    private static readonly SearchValues<char> Visible = SearchValues.Create([.. Enumerable.Range('!', '~' - '!' + 1).Select(c => (char)c)]);

    /// <summary>Takes path and query out of a target in origin form or absolute form; false for anything else, or a character that may not stand in one.</summary>
    public static bool TryParse(ReadOnlySpan<char> target, out string path, out string query)
    {
        path = query = string.Empty;
        if (target.IsEmpty || target.ContainsAnyExcept(Visible)) return false;
        var origin = OriginForm(target);

        var question = origin.IndexOf('?');
        var rawPath = question < 0 ? origin : origin[..question];
        query = question < 0 ? string.Empty : origin[question..].ToString();
        if (rawPath.IsEmpty) rawPath = "/"; // RFC 9112 §3.2.2: http://host is http://host/
        if (rawPath[0] != '/') return false;
        path = HasDotSegment(rawPath) ? ResolveDots(rawPath) : rawPath.ToString();
        return true;
    }

    /// <summary>The target for the backend: its path and ours with one slash between them, its query before ours.</summary>
    /// <param name="basePath">The backend's path, escaped.</param>
    /// <param name="baseQuery">The backend's query with its question mark, or empty.</param>
    /// <param name="path">The request's path, escaped, starting with a slash.</param>
    /// <param name="query">The request's query with its question mark, or empty.</param>
    public static string Join(string basePath, string baseQuery, string path, string query) =>
        string.Concat(basePath.AsSpan(0, basePath.EndsWith('/') ? basePath.Length - 1 : basePath.Length), path, MergeQueries(baseQuery, query));

    private static string MergeQueries(string first, string second)
    {
        if (first.Length <= 1) return second;
        return second.Length <= 1 ? first : string.Concat(first, "&", second.AsSpan(1));
    }

    private static ReadOnlySpan<char> OriginForm(ReadOnlySpan<char> target)
    {
        if (target.StartsWith('/')) return target;
        var scheme = target.IndexOf("://", StringComparison.Ordinal);
        if (scheme is not (4 or 5) || !target.StartsWith("http", StringComparison.OrdinalIgnoreCase)) return target;
        var rest = target[(scheme + 3)..];
        var end = rest.IndexOfAny('/', '?');
        return end < 0 ? "/" : rest[end..];
    }

    private static bool HasDotSegment(ReadOnlySpan<char> path)
    {
        foreach (var segment in path.Split('/'))
        {
            if (Dots(path[segment]) > 0) return true;
        }

        return false;
    }

    // RFC 3986 §5.2.4, with %2E counted as a dot (§6.2.2.2).
    private static string ResolveDots(ReadOnlySpan<char> path)
    {
        var kept = new List<Range>();
        var endsInDots = false;
        foreach (var segment in path[1..].Split('/'))
        {
            var range = (segment.Start.Value + 1)..(segment.End.Value + 1);
            var dots = Dots(path[range]);
            endsInDots = dots > 0;
            if (dots == 0) kept.Add(range);
            else if (dots == 2 && kept.Count > 0) kept.RemoveAt(kept.Count - 1);
        }

        var result = new ArrayBufferWriter<char>(path.Length);
        foreach (var range in kept)
        {
            result.Write("/");
            result.Write(path[range]);
        }

        if (endsInDots || kept.Count == 0) result.Write("/");
        return result.WrittenSpan.ToString();
    }

    /// <summary>1 for <c>.</c>, 2 for <c>..</c>, escaped or not; 0 for any other segment.</summary>
    private static int Dots(ReadOnlySpan<char> segment)
    {
        var dots = 0;
        while (!segment.IsEmpty)
        {
            var width = segment[0] == '.' ? 1 : segment.StartsWith("%2e", StringComparison.OrdinalIgnoreCase) ? 3 : 0;
            if (width == 0 || ++dots > 2) return 0;
            segment = segment[width..];
        }

        return dots;
    }
}
