using System.Text;

namespace Sluice.Cli.Connect;

/// <summary>What went wrong, on stderr.</summary>
internal static class ErrorLines
{
    private const int MostLines = 10;
    private const int MostBytes = 4096;

    // What the library calls its options, and how they are set here.
    private static readonly (string Name, string Flag)[] Flags =
    [
        (nameof(WebSocketClientOptions.HandshakeTimeout), "--timeout"),
        (nameof(WebSocketClientOptions.ConnectTimeout), "--connect-timeout"),
        (nameof(WebSocketClientOptions.MaxResponseHeaderSize), "its limit"),
        (nameof(WebSocketClientOptions.MaxResponseFields), "the limit"),
        ("or set which to trust in Tls", "as --cacert FILE does; --insecure takes any, for tests"),
        ("redirects are not followed: connect there if you trust it", "redirects are not followed: connect there, or allow them with --max-redirects"),
        ("as in an Authorization header", "as --user or --bearer give"),
        ("a proxy wants credentials: set them in the handler", "the proxy wants credentials: --proxy scheme://user:password@host:port"),
        ("allow HTTP/1.1", "leave out --http2"),
    ];

    public static void Write(string message) => Console.Error.WriteLine($"sluice: {message}");

    /// <summary>What happened, and below it the body of the answer, or its beginning.</summary>
    public static void Write(HandshakeException error)
    {
        Write(Translate(error.Summary));
        if (error.Body.IsEmpty) return;
        var body = Encoding.UTF8.GetString(error.Body.Span[..Math.Min(error.Body.Length, MostBytes)]).AsSpan().Trim();
        var count = 0;
        foreach (var line in body.EnumerateLines())
        {
            if (++count > MostLines)
            {
                Console.Error.WriteLine("  …");
                return;
            }
            Console.Error.WriteLine($"  {Printable.Line(line)}");
        }
    }

    /// <summary>Of a connection that was lost: what may not have arrived.</summary>
    public static void WriteInDoubt(long sent, bool isOpen)
    {
        if (sent > 0) Write($"of the {sent} messages sent over it the last ones may not have arrived; they are not sent again");
        if (isOpen) Write("the message that was being sent may have arrived or not; it is not sent again");
    }

    /// <summary>A message of the library in the words of the command line.</summary>
    public static string Translate(string message)
    {
        foreach (var (name, flag) in Flags) message = message.Replace(name, flag, StringComparison.Ordinal);
        return message;
    }
}
