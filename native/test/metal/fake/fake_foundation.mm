// Foundation, as far as native/metal uses it, over GCC's Objective-C runtime. Nothing is ever released.
#import <Foundation/Foundation.h>

#include <cstdarg>
#include <cstdio>
#include <string>
#include <vector>

#include "test/metal/fake/fake_foundation.h"

@implementation NSObject
+ (instancetype)alloc {
  return class_createInstance(self, 0);
}
+ (Class)class {
  return self;
}
- (instancetype)init {
  return self;
}
@end

@interface NSAutoreleasePool : NSObject
@end
@implementation NSAutoreleasePool
- (void)drain {
}
@end

@implementation NSString
- (const char*)UTF8String {
  return "";
}
+ (instancetype)stringWithUTF8String:(const char*)text {
  return (id)new_string(text);
}
+ (instancetype)stringWithFormat:(NSString*)format, ... {
  std::string text;
  va_list values;
  va_start(values, format);
  for (const char* c = format.UTF8String; *c != 0; ++c) {
    if (c[0] == '%' && c[1] == '@') {
      text += va_arg(values, NSString*).UTF8String;
      ++c;
    } else {
      text += *c;
    }
  }
  va_end(values);
  return (id)new_string(text);
}
- (NSString*)stringByDeletingLastPathComponent {
  const std::string text = self.UTF8String;
  return new_string(text.substr(0, text.rfind('/')));
}
- (NSString*)stringByAppendingPathComponent:(NSString*)part {
  return new_string(std::string(self.UTF8String) + "/" + part.UTF8String);
}
@end

@interface TextString : NSString {
 @public
  std::string* text_;
}
@end
@implementation TextString
- (const char*)UTF8String {
  return text_->c_str();
}
@end

// What the compiler makes of @"...".
@interface NSConstantString : NSString {
  const char* bytes_;
  unsigned length_;
}
@end
@implementation NSConstantString
- (const char*)UTF8String {
  return bytes_;
}
@end

NSString* new_string(const std::string& text) {
  TextString* string = [TextString alloc];
  string->text_ = new std::string(text);
  return string;
}

@interface VectorArray : NSArray {
 @public
  std::vector<id>* objects_;
}
@end
@implementation NSArray
- (NSUInteger)count {
  return 0;
}
- (id)objectAtIndex:(NSUInteger)index {
  return index == 0 ? nil : nil;
}
- (NSUInteger)countByEnumeratingWithState:(NSFastEnumerationState*)state
                                  objects:(id __unsafe_unretained[])buffer
                                    count:(NSUInteger)count {
  (void)count;
  const NSUInteger done = state->state;
  if (done == self.count) return 0;
  state->state = done + 1;
  state->itemsPtr = buffer;
  state->mutationsPtr = &state->extra[0];
  buffer[0] = [self objectAtIndex:done];
  return 1;
}
@end
@implementation VectorArray
- (NSUInteger)count {
  return objects_->size();
}
- (id)objectAtIndex:(NSUInteger)index {
  return objects_->at(index);
}
@end

NSArray* new_array(const std::vector<id>& objects) {
  VectorArray* array = [VectorArray alloc];
  array->objects_ = new std::vector<id>(objects);
  return array;
}

@interface VectorData : NSData {
 @public
  std::vector<char>* bytes_;
}
@end
@implementation NSData
+ (instancetype)dataWithBytes:(const void*)bytes length:(NSUInteger)length {
  VectorData* data = [VectorData alloc];
  data->bytes_ =
      new std::vector<char>(static_cast<const char*>(bytes), static_cast<const char*>(bytes) + length);
  return (id)data;
}
- (const void*)bytes {
  return nullptr;
}
- (NSUInteger)length {
  return 0;
}
@end
@implementation VectorData
- (const void*)bytes {
  return bytes_->data();
}
- (NSUInteger)length {
  return bytes_->size();
}
@end

@interface CodeError : NSError {
 @public
  NSInteger code_;
}
@end
@implementation NSError
- (NSInteger)code {
  return 0;
}
- (NSString*)localizedDescription {
  return @"the fake GPU fails";
}
@end
@implementation CodeError
- (NSInteger)code {
  return code_;
}
@end

NSError* new_error(long code) {
  CodeError* error = [CodeError alloc];
  error->code_ = code;
  return error;
}

@implementation NSURL
+ (NSURL*)fileURLWithPath:(NSString*)path {
  return path == nil ? nil : [NSURL alloc];
}
@end

@implementation NSFileManager
+ (NSFileManager*)defaultManager {
  return [NSFileManager alloc];
}
- (BOOL)fileExistsAtPath:(NSString*)path {
  return path == nil;  // none does
}
@end

@implementation NSProcessInfo
+ (NSProcessInfo*)processInfo {
  return [NSProcessInfo alloc];
}
- (NSString*)operatingSystemVersionString {
  return @"Version 13.0 (Build FAKE)";
}
@end
