using System.Text;

namespace Sluice.Cli;

/// <summary>Stderr, whose failure ends nothing: a line that can't be written, on a full disk perhaps, is lost.</summary>
internal sealed class StandardError(TextWriter inner) : TextWriter
{
    public override Encoding Encoding => inner.Encoding;

    /// <summary>Puts it in the place of <see cref="Console.Error"/>, before anybody takes that.</summary>
    public static void Install() => Console.SetError(Synchronized(new StandardError(Console.Error)));

    public override void Write(char value) => Try(value, static (inner, value) => inner.Write(value));

    public override void Write(char[] buffer, int index, int count)
        => Try((buffer, index, count), static (inner, part) => inner.Write(part.buffer, part.index, part.count));

    public override void Write(string? value) => Try(value, static (inner, value) => inner.Write(value));

    public override void WriteLine(string? value) => Try(value, static (inner, value) => inner.WriteLine(value));

    public override void Flush() => Try(0, static (inner, _) => inner.Flush());

    private void Try<T>(T value, Action<TextWriter, T> write)
    {
        try
        {
            write(inner, value);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ObjectDisposedException)
        {
            // There is nowhere else to tell it.
        }
    }
}
