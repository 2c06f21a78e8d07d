namespace Sluice.Fuzz.Engine;

/// <summary>Inputs as text: what is printed, saved and reviewed.</summary>
internal static class Hex
{
    private const int BytesInLine = 32;
    private const int BytesInMessage = 64;

    public static string Short(ReadOnlySpan<byte> bytes) => bytes.Length <= BytesInMessage
        ? $"[{Convert.ToHexStringLower(bytes)}]"
        : $"[{Convert.ToHexStringLower(bytes[..BytesInMessage])}… {bytes.Length} bytes]";

    /// <summary>Reads a saved input: hexadecimal digits in any grouping; from a # on, a line is a comment.</summary>
    public static byte[] Read(string path)
    {
        var digits = File.ReadLines(path).Select(line => line.Split('#')[0]).SelectMany(line => line).Where(c => !char.IsWhiteSpace(c));
        return Convert.FromHexString(string.Concat(digits));
    }

    /// <summary>Saves an input with a comment in front.</summary>
    public static void Write(string path, byte[] input, string comment)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var lines = comment.Split('\n').Select(line => $"# {line.TrimEnd()}")
            .Concat(input.Chunk(BytesInLine).Select(Convert.ToHexStringLower));
        File.WriteAllLines(path, lines);
    }
}
