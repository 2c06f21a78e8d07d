using System.Text;

namespace Sluice.Cli.Connect;

/// <summary>What went wrong, on stderr.</summary>
internal static class ErrorLines
{
    private const int MostLines = 10;
    private const int MostBytes = 4096;
    private const int FitsOneLine = 80;

    public static void Write(string message) => Console.Error.WriteLine($"sluice: {message}");

    /// <summary>The message, which has the status and the body's first line; below it more of the body, when there is more.</summary>
    public static void Write(HandshakeException error)
    {
        Write(error.Message);
        if (error.Failure == ConnectFailure.Tls) Console.Error.WriteLine("  --cacert FILE trusts the certificates in a file; --insecure takes any, for tests.");
        if (error.Body.IsEmpty) return;
        var body = Encoding.UTF8.GetString(error.Body.Span[..Math.Min(error.Body.Length, MostBytes)]).AsSpan().Trim();
        if (body.Length <= FitsOneLine && !body.Contains('\n')) return;
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
}
