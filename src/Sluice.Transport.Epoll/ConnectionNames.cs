namespace Sluice.Transport.Epoll;

/// <summary>Names of connections in logs: short, and different from those of earlier runs.</summary>
internal static class ConnectionNames
{
    private const string Digits = "0123456789ABCDEFGHIJKLMNOPQRSTUV";

    private static long Last = DateTime.UtcNow.Ticks;

    public static string Next() => string.Create(13, Interlocked.Increment(ref Last), static (name, number) =>
    {
        for (var i = name.Length - 1; i >= 0; i--)
        {
            name[i] = Digits[(int)(number & 31)];
            number >>= 5;
        }
    });
}
