// What fake_foundation.mm gives to the other fakes.
#pragma once

#import <Foundation/Foundation.h>

#include <string>
#include <vector>

NSString* new_string(const std::string& text);
NSArray* new_array(const std::vector<id>& objects);
NSError* new_error(long code);

extern "C" id class_createInstance(Class kind, std::size_t more_bytes);
