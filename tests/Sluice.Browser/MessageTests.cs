using static Microsoft.Playwright.Assertions;

namespace Sluice.Browser;

public class MessageTests(Chromium chromium, PageServer server) : PageTest(chromium, server)
{
    [Fact]
    public async Task Text_is_sent_and_its_echo_shown_with_time_and_size()
    {
        await Page.OpenAsync();
        await Page.SendAsync("grüße 🌊");

        await Expect(Page.Received).ToHaveCountAsync(1);
        await Expect(Page.Received.Locator("pre")).ToHaveTextAsync("grüße 🌊");
        await Expect(Page.Received.Locator(".type")).ToHaveTextAsync("text");
        // g r ü ß e and a space are 8 bytes of UTF-8, the wave is 4.
        await Expect(Page.Received.Locator(".size")).ToHaveTextAsync("12 bytes");
        var time = await Page.Received.Locator("time").TextContentAsync();
        TimeOnly.TryParseExact(time, "HH:mm:ss.fff", out _).ShouldBeTrue(time);
        await Expect(Page.Sent.Locator("pre")).ToHaveTextAsync("grüße 🌊");
        await Expect(Page.Tab.Locator("#sent")).ToHaveTextAsync("1 message, 12 bytes");
        await Expect(Page.Tab.Locator("#received")).ToHaveTextAsync("1 message, 12 bytes");
    }

    [Fact]
    public async Task Html_in_a_message_is_shown_as_text_and_makes_no_element()
    {
        const string hostile = "<b id=made>x</b><img src=x onerror='window.ran=1'><script>window.ran=1</script>";
        await Page.OpenAsync();
        await Page.SendAsync(hostile);

        await Expect(Page.Received.Locator("pre")).ToHaveTextAsync(hostile);
        (await Page.Log.Locator("#made, img, script, pre *").CountAsync()).ShouldBe(0);
        (await Page.Tab.EvaluateAsync<bool>("'ran' in window")).ShouldBeFalse();
    }

    [Fact]
    public async Task White_space_and_lines_of_a_message_are_kept()
    {
        await Page.OpenAsync();
        await Page.SendAsync("  a\n\tb  c");

        (await Page.Received.Locator("pre").EvaluateAsync<string>("shown => shown.textContent")).ShouldBe("  a\n\tb  c");
    }

    [Fact]
    public async Task An_empty_message_is_sent_and_named_as_one()
    {
        await Page.OpenAsync();
        await Page.SendAsync("");

        await Expect(Page.Received).ToContainTextAsync("empty message");
        await Expect(Page.Received.Locator(".size")).ToHaveTextAsync("0 bytes");
    }

    [Theory]
    [InlineData("Enter")]
    [InlineData("Control+Enter")]
    [InlineData("Meta+Enter")]
    public async Task A_key_sends(string key)
    {
        await Page.OpenAsync();
        await Page.Message.FillAsync("by key");
        await Page.Message.PressAsync(key);

        await Expect(Page.Received.Locator("pre")).ToHaveTextAsync("by key");
    }

    [Fact]
    public async Task Shift_and_Enter_start_a_new_line_and_send_nothing()
    {
        await Page.OpenAsync();
        await Page.Message.PressSequentiallyAsync("one");
        await Page.Message.PressAsync("Shift+Enter");
        await Page.Message.PressSequentiallyAsync("two");
        await Page.Message.PressAsync("Enter");

        await Expect(Page.Received.Locator("pre")).ToHaveTextAsync("one\ntwo");
        await Expect(Page.Sent).ToHaveCountAsync(1);
    }

    [Fact]
    public async Task The_keyboard_alone_is_enough()
    {
        await Page.Url.FocusAsync();
        await Page.Tab.Keyboard.PressAsync("Enter");
        await Page.StateIsAsync("Open");
        await Expect(Page.Message).ToBeFocusedAsync();
        await Page.Tab.Keyboard.TypeAsync("first");
        await Page.Tab.Keyboard.PressAsync("Enter");
        await Page.Tab.Keyboard.TypeAsync("second");
        await Page.Tab.Keyboard.PressAsync("Enter");

        await Expect(Page.Received.Locator("pre")).ToHaveTextAsync(["first", "second"]);
    }

    [Theory]
    [InlineData("48 65 6c 6c 6f")]
    [InlineData("48656C6C6F")]
    [InlineData(" 0x48, 0x65,0x6C\n\t6c:6f \n")]
    public async Task Hex_is_sent_as_binary_and_shown_as_hex_and_ascii(string typed)
    {
        await Page.OpenAsync();
        await Page.TakeHexAsync();
        await Page.SendAsync(typed);

        await Expect(Page.Received.Locator(".type")).ToHaveTextAsync("binary");
        await Expect(Page.Received.Locator(".size")).ToHaveTextAsync("5 bytes");
        await Expect(Page.Received.Locator("pre")).ToHaveTextAsync("0000 48 65 6c 6c 6f Hello");
    }

    [Fact]
    public async Task Binary_is_shown_in_rows_with_dots_for_what_is_not_ascii()
    {
        await Page.OpenAsync();
        await Page.TakeHexAsync();
        await Page.SendAsync("00 1f 20 7e 7f 80 ff 3c 41 42 43 44 45 46 47 48 49");

        (await Page.Received.Locator("pre").EvaluateAsync<string>("shown => shown.textContent")).ShouldBe(
            "0000  00 1f 20 7e 7f 80 ff 3c 41 42 43 44 45 46 47 48  .. ~...<ABCDEFGH\n" +
            "0010  49                                               I");
    }

    [Theory]
    [InlineData("48 6g", "“g” at position 5 is not a hex digit")]
    [InlineData("48 6", "“6” at position 4 is half a byte")]
    [InlineData("4 86", "“4” at position 1 is half a byte")]
    public async Task Wrong_hex_is_explained_and_not_sent(string typed, string explanation)
    {
        await Page.OpenAsync();
        await Page.TakeHexAsync();
        await Page.SendAsync(typed);

        await Expect(Page.Alert).ToContainTextAsync(explanation);
        await Expect(Page.Message).ToHaveAttributeAsync("aria-invalid", "true");
        await Expect(Page.Sent).ToHaveCountAsync(0);

        await Page.Message.FillAsync("48");
        await Expect(Page.Alert).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task A_message_is_not_lost_while_the_socket_is_closed()
    {
        await Page.Message.FillAsync("too early");
        await Page.Message.PressAsync("Enter");
        await Expect(Page.Alert).ToContainTextAsync("press Open first");
        await Expect(Page.SendButton).ToBeDisabledAsync();

        await Page.OpenAsync();
        await Page.SendButton.ClickAsync();
        await Expect(Page.Received.Locator("pre")).ToHaveTextAsync("too early");
    }
}
